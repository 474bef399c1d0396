/**
 * The secret that ECS put into the environment when the task started, refetched when authentication fails.
 *
 * Allow the task role to read the secret too: the execution role reads it only when the task starts.
 *
 * npm install @aws-sdk/client-secrets-manager
 */

import { GetSecretValueCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";

export type Secret = Record<string, unknown>;

const SECRET = process.env.APP_SECRET_ID;
const CLIENT = new SecretsManagerClient({});
let kept = process.env.APP_SECRET;

/** The JSON secret as an object; `fresh` fetches it now and keeps it until the next authentication failure. */
export async function secret(fresh = false): Promise<Secret> {
  if (fresh || kept === undefined) kept = await fetched();
  return parsed(kept);
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
