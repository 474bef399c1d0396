// Calls what a module exports: reads one JSON array [name, ...arguments] a line, and answers with one JSON object a line.
import { createInterface } from "node:readline";

const program = await import(process.argv[2]);

class Refused extends Error {}

async function decoded(value) {
  if (typeof value !== "object" || value === null) return [value];
  if ("bytes" in value) return [Buffer.from(value.bytes, "base64")];
  if ("result_of" in value) return [await result(...value.result_of)];
  if ("accepts" in value) {
    // A database that accepts one password, and how to recognize that it does not.
    const use = async ({ password }) => {
      if (password !== value.accepts) throw new Refused();
      return password;
    };
    return [use, (error) => error instanceof Refused];
  }
  if ("seconds_counted_until" in value) {
    // Instead of time passing: the file changes after so many seconds.
    const { writeFile } = await import("node:fs/promises");
    let seconds = 0;
    const { file, text, after } = value.seconds_counted_until;
    return [async (more) => ((seconds += more) === after ? writeFile(file, text) : undefined)];
  }
  return [value];
}

async function result(name, ...values) {
  return program[name](...(await Promise.all(values.map(decoded))).flat());
}

for await (const line of createInterface({ input: process.stdin })) {
  let answer;
  try {
    const value = await result(...JSON.parse(line));
    answer = { value: value instanceof Uint8Array ? { bytes: Buffer.from(value).toString("base64") } : value };
  } catch (error) {
    answer = { error: `${error.name}: ${error.message}` };
  }
  console.log(JSON.stringify(answer));
}
