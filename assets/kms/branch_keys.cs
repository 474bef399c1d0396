// The hierarchical keyring: branch keys in a DynamoDB table, cached, so that most messages need no call to KMS.
//
// Pass its keyring to Seal and Unseal of Envelope.cs. The table has the partition key `branch-key-id` and the sort key
// `type`, both strings; losing the table is losing the data.
//
// dotnet add package AWS.Cryptography.EncryptionSDK

#nullable enable

using System.Collections.Generic;
using Amazon.DynamoDBv2;
using Amazon.KeyManagementService;
using AWS.Cryptography.KeyStore;
using AWS.Cryptography.MaterialProviders;

public static class BranchKeys
{
    // For this long a role that lost its rights on the KMS key still works.
    private const long LifetimeSeconds = 300;
    private const int CachedBranchKeys = 100;
    private static readonly MaterialProviders Providers = new(new MaterialProvidersConfig());

    /// <summary>
    /// The branch keys in the table, protected by the KMS key (its ARN); the table's name is bound to them.
    /// </summary>
    public static KeyStore KeyStoreIn(string table, string key) =>
        new(new KeyStoreConfig
        {
            DdbClient = new AmazonDynamoDBClient(),
            DdbTableName = table,
            LogicalKeyStoreName = table,
            KmsClient = new AmazonKeyManagementServiceClient(),
            KmsConfiguration = new KMSConfiguration { KmsKeyArn = key },
        });

    /// <summary>
    /// Create a branch key, such as one for each tenant; an administrator does this once, not the application.
    /// </summary>
    public static string Create(KeyStore store, string name, Dictionary<string, string> context) =>
        store.CreateKey(new CreateKeyInput { BranchKeyIdentifier = name, EncryptionContext = context })
            .BranchKeyIdentifier;

    /// <summary>
    /// Give the branch key a new version; the older ones still decrypt. For the administrator too.
    /// </summary>
    public static void Rotate(KeyStore store, string name) =>
        store.VersionKey(new VersionKeyInput { BranchKeyIdentifier = name });

    /// <summary>The keyring of one branch key: it cannot decrypt what another branch key encrypted.</summary>
    public static IKeyring Keyring(KeyStore store, string name) =>
        Providers.CreateAwsKmsHierarchicalKeyring(new CreateAwsKmsHierarchicalKeyringInput
        {
            KeyStore = store,
            BranchKeyId = name,
            TtlSeconds = LifetimeSeconds,
            Cache = new CacheType { Default = new DefaultCache { EntryCapacity = CachedBranchKeys } },
        });
}
