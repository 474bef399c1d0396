/**
 * The hierarchical keyring: branch keys in a DynamoDB table, cached, so that most messages need no call to KMS.
 *
 * Pass its keyring to `seal` and `unseal` of envelope.ts. The table has the partition key `branch-key-id` and the sort
 * key `type`, both strings; losing the table is losing the data.
 *
 * npm install @aws-crypto/client-node
 */

import { BranchKeyStoreNode, type KeyringNode, KmsHierarchicalKeyRingNode } from "@aws-crypto/client-node";

// For this long a role that lost its rights on the KMS key still works.
const LIFETIME_SECONDS = 300;
const CACHED_BRANCH_KEYS = 100;

/** The branch keys in the table, protected by the KMS key (its ARN); the table's name is bound to them. */
export function keyStore(table: string, key: string): BranchKeyStoreNode {
  return new BranchKeyStoreNode({
    storage: { ddbTableName: table },
    logicalKeyStoreName: table,
    kmsConfiguration: { identifier: key },
  });
}

/** Create a branch key, such as one for each tenant; an administrator does this once, not the application. */
export async function create(
  store: BranchKeyStoreNode,
  name: string,
  context: Record<string, string>,
): Promise<string> {
  const created = await store.createKey({ branchKeyIdentifier: name, encryptionContext: context });
  return created.branchKeyIdentifier;
}

/** Give the branch key a new version; the older ones still decrypt. For the administrator too. */
export async function rotate(store: BranchKeyStoreNode, name: string): Promise<void> {
  await store.versionKey({ branchKeyIdentifier: name });
}

/** The keyring of one branch key: it cannot decrypt what another branch key encrypted. */
export function keyring(store: BranchKeyStoreNode, name: string): KeyringNode {
  return new KmsHierarchicalKeyRingNode({
    branchKeyId: name,
    keyStore: store,
    cacheLimitTtl: LIFETIME_SECONDS,
    maxCacheSize: CACHED_BRANCH_KEYS,
  });
}
