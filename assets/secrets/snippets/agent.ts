/** The secret through the AWS Secrets Manager Agent on this host, which caches it for its `ttl_seconds`. */

import { readFile } from "node:fs/promises";

export type Secret = Record<string, unknown>;

const SECRET = "{{Secret}}";
const ADDRESS = process.env.SECRETS_MANAGER_AGENT ?? "http://localhost:2773";
// The token protects against forged requests (SSRF); the agent's installation writes it.
const TOKEN_FILE = process.env.SECRETS_MANAGER_AGENT_TOKEN ?? "{{TokenFile}}";

/** The JSON secret as an object; `fresh` makes the agent fetch it now. */
export async function secret(fresh = false): Promise<Secret> {
  const query = new URLSearchParams({ secretId: SECRET, ...(fresh && { refreshNow: "true" }) });
  const token = (await readFile(TOKEN_FILE, "utf8")).trim();
  const answer = await fetch(`${ADDRESS}/secretsmanager/get?${query}`, {
    headers: { "X-Aws-Parameters-Secrets-Token": token },
    signal: AbortSignal.timeout(5_000),
  });
  if (!answer.ok) throw new Error(`the agent answered with status ${answer.status}`);
  const { SecretString } = parsed(await answer.text());
  if (typeof SecretString !== "string") {
    throw new TypeError("the secret is binary: decode SecretBinary");
  }
  return parsed(SecretString);
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
