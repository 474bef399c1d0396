/**
 * Envelope encryption with the AWS SDK and Node.js' own AES-GCM: a data key for each record, bound to its encryption
 * context.
 *
 * npm install @aws-sdk/client-kms
 *
 * A record is JSON text:
 *
 *     v           1, the version of this format
 *     algorithm   AES-256-GCM
 *     key         ARN of the KMS key
 *     data_key    the data key, encrypted by KMS (base64)
 *     nonce       12 bytes, new for each record (base64)
 *     ciphertext  with its 16-byte tag at the end (base64)
 *     context     the encryption context, in plain text: put nothing secret in it
 */

import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { DecryptCommand, GenerateDataKeyCommand, KMSClient } from "@aws-sdk/client-kms";

export type Context = Record<string, string>;

const VERSION = 1;
const ALGORITHM = "AES-256-GCM";
const CIPHER = "aes-256-gcm";
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const KMS = new KMSClient({});

/** Encrypt bytes with a new data key of the KMS key (an ARN or alias), and return the record. */
export async function seal(key: string, plaintext: Uint8Array, context: Context): Promise<string> {
  requireContext(context);
  const dataKey = await KMS.send(
    new GenerateDataKeyCommand({ KeyId: key, KeySpec: "AES_256", EncryptionContext: context }),
  );
  const secret = dataKey.Plaintext!;
  try {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv(CIPHER, secret, nonce).setAAD(bound(dataKey.KeyId!, context));
    const ciphertext = Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
    return JSON.stringify({
      v: VERSION,
      algorithm: ALGORITHM,
      key: dataKey.KeyId,
      context,
      data_key: Buffer.from(dataKey.CiphertextBlob!).toString("base64"),
      nonce: nonce.toString("base64"),
      ciphertext: ciphertext.toString("base64"),
    });
  } finally {
    secret.fill(0);
  }
}

/**
 * Decrypt a record; the caller passes the key (its ARN) and the context that it expects.
 *
 * The record's own key and context are not trusted, so KMS refuses a record of another tenant.
 */
export async function unseal(text: string, key: string, context: Context): Promise<Uint8Array> {
  requireContext(context);
  const record = JSON.parse(text);
  if (record.v !== VERSION || record.algorithm !== ALGORITHM) {
    throw new TypeError("not a record of this format");
  }
  const dataKey = await KMS.send(
    new DecryptCommand({
      CiphertextBlob: Buffer.from(record.data_key, "base64"),
      // Without it KMS would use any key that the caller may use.
      KeyId: key,
      EncryptionContext: context,
    }),
  );
  const secret = dataKey.Plaintext!;
  try {
    const nonce = Buffer.from(record.nonce, "base64");
    const ciphertext = Buffer.from(record.ciphertext, "base64");
    const decipher = createDecipheriv(CIPHER, secret, nonce, { authTagLength: TAG_BYTES })
      .setAAD(bound(record.key, context))
      .setAuthTag(ciphertext.subarray(-TAG_BYTES));
    return Buffer.concat([decipher.update(ciphertext.subarray(0, -TAG_BYTES)), decipher.final()]);
  } finally {
    secret.fill(0);
  }
}

function requireContext(context: Context): void {
  if (Object.keys(context).length === 0) {
    throw new TypeError("the encryption context is empty: any record would open with it");
  }
}

/** What the tag authenticates besides the ciphertext: each text after its length, the context sorted by name. */
function bound(key: string, context: Context): Buffer {
  const pairs = Object.entries(context).map((pair) => pair.map((text) => Buffer.from(text)));
  pairs.sort(([one], [other]) => Buffer.compare(one!, other!));
  const head = [String(VERSION), ALGORITHM, key].map((text) => Buffer.from(text));
  return Buffer.concat([...head, ...pairs.flat()].flatMap((text) => [length(text), text]));
}

function length(text: Buffer): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(text.length);
  return bytes;
}
