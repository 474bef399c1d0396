/**
 * The secret through the AWS Parameters and Secrets Lambda extension, which caches it for 300 seconds by default.
 *
 * Add the extension's layer for your Region and architecture to the function. Call `secret` inside the handler: the
 * extension does not answer during initialization.
 *
 * npm install @aws-sdk/client-secrets-manager
 */

import { GetSecretValueCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";

export type Secret = Record<string, unknown>;

const SECRET = "{{Secret}}";
const PORT = process.env.PARAMETERS_SECRETS_EXTENSION_HTTP_PORT ?? "2773";
const CLIENT = new SecretsManagerClient({});

/** The JSON secret as an object; `fresh` bypasses the extension, whose cache cannot be invalidated. */
export async function secret(fresh = false): Promise<Secret> {
  const answer = fresh
    ? await CLIENT.send(new GetSecretValueCommand({ SecretId: SECRET }))
    : await fromExtension();
  if (typeof answer.SecretString !== "string") {
    throw new TypeError("the secret is binary: decode SecretBinary");
  }
  return parsed(answer.SecretString);
}

async function fromExtension(): Promise<Secret> {
  const query = new URLSearchParams({ secretId: SECRET });
  const answer = await fetch(`http://localhost:${PORT}/secretsmanager/get?${query}`, {
    headers: { "X-Aws-Parameters-Secrets-Token": process.env.AWS_SESSION_TOKEN ?? "" },
    signal: AbortSignal.timeout(2_000),
  });
  if (!answer.ok) throw new Error(`the extension answered with status ${answer.status}`);
  return parsed(await answer.text());
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
