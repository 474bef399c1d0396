/**
 * The secret from a mounted file, read on every use so that a refreshed file takes effect immediately.
 *
 * When authentication fails, the code waits up to {{Wait}} seconds for the file to change: the mount is updated some
 * time after a rotation.
 */

import { readFile } from "node:fs/promises";
import { setTimeout } from "node:timers/promises";

export type Secret = Record<string, unknown>;

const FILE = process.env.APP_SECRET_FILE ?? "/mnt/secrets/app.json";
const LONGEST_WAIT = {{Wait}};

/** The JSON secret as an object. */
export async function secret(): Promise<Secret> {
  return parsed(await text());
}

/**
 * Call `use(secret)`; if it fails with the driver's authentication error, which `refused` recognizes, wait for the file
 * to change and retry once.
 */
export async function withSecret<T>(
  use: (secret: Secret) => Promise<T>,
  refused: (error: unknown) => boolean,
  waitSeconds: (seconds: number) => Promise<unknown> = (seconds) => setTimeout(seconds * 1_000),
): Promise<T> {
  const tried = await text();
  try {
    return await use(parsed(tried));
  } catch (error) {
    if (!refused(error)) throw error;
  }
  for (let waited = 0; waited < LONGEST_WAIT && (await text()) === tried; waited += 1) {
    await waitSeconds(1);
  }
  return use(await secret());
}

async function text(): Promise<string> {
  return readFile(FILE, "utf8");
}

function parsed(text: string): Secret {
  try {
    return JSON.parse(text);
  } catch {
    // The parser's own message quotes the text.
    throw new TypeError("the secret is not JSON");
  }
}
