/**
 * The hierarchical keyring: branch keys in a DynamoDB table, cached, so that most messages need no call to KMS.
 *
 * Pass its keyring to {@code seal} and {@code unseal} of Envelope.java. The table has the partition key
 * {@code branch-key-id} and the sort key {@code type}, both strings; losing the table is losing the data.
 *
 * Maven: com.amazonaws:aws-encryption-sdk-java:3.0.0 or newer,
 * software.amazon.cryptography:aws-cryptographic-material-providers, software.amazon.awssdk:kms,
 * software.amazon.awssdk:dynamodb
 */

import java.util.Map;
import software.amazon.awssdk.services.dynamodb.DynamoDbClient;
import software.amazon.awssdk.services.kms.KmsClient;
import software.amazon.cryptography.keystore.KeyStore;
import software.amazon.cryptography.keystore.model.CreateKeyInput;
import software.amazon.cryptography.keystore.model.KMSConfiguration;
import software.amazon.cryptography.keystore.model.KeyStoreConfig;
import software.amazon.cryptography.keystore.model.VersionKeyInput;
import software.amazon.cryptography.materialproviders.IKeyring;
import software.amazon.cryptography.materialproviders.MaterialProviders;
import software.amazon.cryptography.materialproviders.model.CacheType;
import software.amazon.cryptography.materialproviders.model.CreateAwsKmsHierarchicalKeyringInput;
import software.amazon.cryptography.materialproviders.model.DefaultCache;
import software.amazon.cryptography.materialproviders.model.MaterialProvidersConfig;

public final class BranchKeys {
  // For this long a role that lost its rights on the KMS key still works.
  private static final long LIFETIME_SECONDS = 300;
  private static final int CACHED_BRANCH_KEYS = 100;
  private static final MaterialProviders PROVIDERS =
      MaterialProviders.builder()
          .MaterialProvidersConfig(MaterialProvidersConfig.builder().build())
          .build();

  private BranchKeys() {}

  /** The branch keys in the table, protected by the KMS key (its ARN); the table's name is bound to them. */
  public static KeyStore keyStore(String table, String key) {
    return KeyStore.builder()
        .KeyStoreConfig(
            KeyStoreConfig.builder()
                .ddbClient(DynamoDbClient.create())
                .ddbTableName(table)
                .logicalKeyStoreName(table)
                .kmsClient(KmsClient.create())
                .kmsConfiguration(KMSConfiguration.builder().kmsKeyArn(key).build())
                .build())
        .build();
  }

  /** Creates a branch key, such as one for each tenant; an administrator does this once, not the application. */
  public static String create(KeyStore store, String name, Map<String, String> context) {
    CreateKeyInput input =
        CreateKeyInput.builder().branchKeyIdentifier(name).encryptionContext(context).build();
    return store.CreateKey(input).branchKeyIdentifier();
  }

  /** Gives the branch key a new version; the older ones still decrypt. For the administrator too. */
  public static void rotate(KeyStore store, String name) {
    store.VersionKey(VersionKeyInput.builder().branchKeyIdentifier(name).build());
  }

  /** The keyring of one branch key: it cannot decrypt what another branch key encrypted. */
  public static IKeyring keyring(KeyStore store, String name) {
    return PROVIDERS.CreateAwsKmsHierarchicalKeyring(
        CreateAwsKmsHierarchicalKeyringInput.builder()
            .keyStore(store)
            .branchKeyId(name)
            .ttlSeconds(LIFETIME_SECONDS)
            .cache(
                CacheType.builder()
                    .Default(DefaultCache.builder().entryCapacity(CACHED_BRANCH_KEYS).build())
                    .build())
            .build());
  }
}
