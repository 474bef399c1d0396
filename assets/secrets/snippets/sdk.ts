/**
 * The secret with the AWS SDK alone, at most five minutes old.
 *
 * npm install @aws-sdk/client-secrets-manager
 */

import { GetSecretValueCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";

export type Secret = Record<string, unknown>;

const SECRET = "{{Secret}}";
const LIFETIME_MS = 300_000;
const CLIENT = new SecretsManagerClient({});
let kept: { at: number; text: string } | undefined;

/** The JSON secret as an object; `fresh` fetches it now. */
export async function secret(fresh = false): Promise<Secret> {
  const now = Date.now();
  if (fresh || kept === undefined || now - kept.at >= LIFETIME_MS) {
    kept = { at: now, text: await fetched() };
  }
  return parsed(kept.text);
}

async function fetched(): Promise<string> {
  const answer = await CLIENT.send(new GetSecretValueCommand({ SecretId: SECRET }));
  if (answer.SecretString === undefined) {
    throw new TypeError("the secret is binary: decode SecretBinary");
  }
  return answer.SecretString;
}

/**
 * Call `use(secret)`; if it fails with the driver's authentication error, which `refused` recognizes, refetch the
 * secret and retry once.
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
    throw new TypeError("the secret is not JSON");
  }
}
