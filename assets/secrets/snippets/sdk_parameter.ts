/**
 * A SecureString parameter with the AWS SDK alone, at most five minutes old.
 *
 * npm install @aws-sdk/client-ssm
 */

import { GetParameterCommand, SSMClient } from "@aws-sdk/client-ssm";

export type Secret = Record<string, unknown>;

const PARAMETER = "{{Secret}}";
const LIFETIME_MS = 300_000;
const CLIENT = new SSMClient({});
let kept: { at: number; text: string } | undefined;

/** The JSON value as an object; `fresh` fetches it now. */
export async function secret(fresh = false): Promise<Secret> {
  const now = Date.now();
  if (fresh || kept === undefined || now - kept.at >= LIFETIME_MS) {
    kept = { at: now, text: await fetched() };
  }
  return parsed(kept.text);
}

async function fetched(): Promise<string> {
  const command = new GetParameterCommand({ Name: PARAMETER, WithDecryption: true });
  const answer = await CLIENT.send(command);
  return answer.Parameter?.Value ?? "";
}

/**
 * Call `use(secret)`; if it fails with the driver's authentication error, which `refused` recognizes, refetch the
 * value and retry once.
 */
export async function withSecret<T>(
  use: (secret: Secret) => Promise<T>,
  refused: (error: unknown) => boolean,
): Promise<T> {
  try {
    return await use(await secret());
  } catch (error) {
    if (!refused(error)) throw error;
  }
  return use(await secret(true));
}

function parsed(text: string): Secret {
  try {
    return JSON.parse(text);
  } catch {
    // The parser's own message quotes the text.
    throw new TypeError("the value is not JSON");
  }
}
