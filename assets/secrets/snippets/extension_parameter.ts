/**
 * A SecureString parameter through the AWS Parameters and Secrets Lambda extension, which caches it for 300 seconds by
 * default.
 *
 * Add the extension's layer for your Region and architecture to the function. Call `secret` inside the handler: the
 * extension does not answer during initialization.
 *
 * npm install @aws-sdk/client-ssm
 */

import { GetParameterCommand, SSMClient } from "@aws-sdk/client-ssm";

export type Secret = Record<string, unknown>;

const PARAMETER = "{{Secret}}";
const PORT = process.env.PARAMETERS_SECRETS_EXTENSION_HTTP_PORT ?? "2773";
const CLIENT = new SSMClient({});

/** The JSON value as an object; `fresh` bypasses the extension, whose cache cannot be invalidated. */
export async function secret(fresh = false): Promise<Secret> {
  return parsed(fresh ? await fetched() : await fromExtension());
}

async function fetched(): Promise<string> {
  const command = new GetParameterCommand({ Name: PARAMETER, WithDecryption: true });
  const answer = await CLIENT.send(command);
  return answer.Parameter?.Value ?? "";
}

async function fromExtension(): Promise<string> {
  const query = new URLSearchParams({ name: PARAMETER, withDecryption: "true" });
  const answer = await fetch(`http://localhost:${PORT}/systemsmanager/parameters/get?${query}`, {
    headers: { "X-Aws-Parameters-Secrets-Token": process.env.AWS_SESSION_TOKEN ?? "" },
    signal: AbortSignal.timeout(2_000),
  });
  if (!answer.ok) throw new Error(`the extension answered with status ${answer.status}`);
  const { Parameter } = parsed(await answer.text()) as { Parameter?: { Value?: string } };
  return Parameter?.Value ?? "";
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
