/**
 * Envelope encryption with the AWS Encryption SDK: a KMS keyring, key commitment, and the encryption context checked.
 *
 * npm install @aws-crypto/client-node
 *
 * A record is a message of the SDK: its header has the algorithm, encrypted data key, key ARN and encryption context in
 * plain text; its body is encrypted in frames. Every implementation of the SDK can read it.
 */

import { randomUUID } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { rename, rm } from "node:fs/promises";
import type { Duplex } from "node:stream";
import { pipeline } from "node:stream/promises";
import {
  buildClient,
  CommitmentPolicy,
  type EncryptionContext,
  type KeyringNode,
  KmsKeyringNode,
  type MessageHeader,
} from "@aws-crypto/client-node";

export type Context = Record<string, string>;

const { decrypt, decryptStream, encrypt, encryptStream } = buildClient({
  commitmentPolicy: CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT,
  // This code wraps each data key with one key: refuse messages with more.
  maxEncryptedDataKeys: 1,
});

/** The keyring of a KMS key, given by its ARN: an alias cannot decrypt. */
export function keyring(key: string): KeyringNode {
  return new KmsKeyringNode({ generatorKeyId: key });
}

/** Encrypt bytes with a new data key, and return the message. */
export async function seal(ring: KeyringNode, plaintext: Uint8Array, context: Context): Promise<Uint8Array> {
  requireContext(context);
  const { result } = await encrypt(ring, plaintext, { encryptionContext: context });
  return result;
}

/** Decrypt a message; the caller passes the context that it expects, and the message must have it. */
export async function unseal(ring: KeyringNode, message: Uint8Array, context: Context): Promise<Uint8Array> {
  requireContext(context);
  const { plaintext, messageHeader } = await decrypt(ring, message);
  compare(messageHeader.encryptionContext, context);
  return plaintext;
}

/** Encrypt a file of any size, a frame at a time. */
export async function sealFile(ring: KeyringNode, source: string, target: string, context: Context): Promise<void> {
  requireContext(context);
  await written(source, encryptStream(ring, { encryptionContext: context }), target);
}

/** Decrypt a file of any size, a frame at a time; the target appears only when all of it has been verified. */
export async function unsealFile(ring: KeyringNode, source: string, target: string, context: Context): Promise<void> {
  requireContext(context);
  const frames = decryptStream(ring);
  frames.once("MessageHeader", ({ encryptionContext }: MessageHeader) => {
    try {
      compare(encryptionContext, context);
    } catch (error) {
      frames.destroy(error as Error);
    }
  });
  await written(source, frames, target);
}

function requireContext(context: Context): void {
  if (Object.keys(context).length === 0) {
    throw new TypeError("the encryption context is empty: any message would open with it");
  }
}

function compare(actual: Readonly<EncryptionContext>, context: Context): void {
  if (Object.entries(context).some(([name, value]) => actual[name] !== value)) {
    throw new TypeError("the message was encrypted for another context");
  }
}

async function written(source: string, frames: Duplex, target: string): Promise<void> {
  // The signature and a missing end show only at the end: until then nothing may use what is written.
  const partial = `${target}.${randomUUID()}`;
  try {
    await pipeline(createReadStream(source), frames, createWriteStream(partial, { flags: "wx", mode: 0o600 }));
    await rename(partial, target);
  } finally {
    await rm(partial, { force: true });
  }
}
