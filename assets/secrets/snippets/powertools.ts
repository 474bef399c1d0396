/**
 * The secret through Powertools for AWS Lambda, at most five minutes old.
 *
 * npm install @aws-lambda-powertools/parameters @aws-sdk/client-secrets-manager
 */

import { getSecret } from "@aws-lambda-powertools/parameters/secrets";

export type Secret = Record<string, unknown>;

const SECRET = "{{Secret}}";

/** The JSON secret as an object; `fresh` fetches it now. */
export async function secret(fresh = false): Promise<Secret> {
  const text = await getSecret(SECRET, { maxAge: 300, forceFetch: fresh });
  if (typeof text !== "string") {
    throw new TypeError("the secret is binary: decode it");
  }
  // Not with `transform: "json"`: its error quotes the text, and it caches an object that callers could change.
  return parsed(text);
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
