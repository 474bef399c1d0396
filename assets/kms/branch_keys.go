package envelope

// The hierarchical keyring: branch keys in a DynamoDB table, cached, so that most messages need no call to KMS.
//
// Pass its keyring to Seal and Unseal of envelope.go. The table has the partition key branch-key-id and the sort key
// type, both strings; losing the table is losing the data.
//
//	go get github.com/aws/aws-cryptographic-material-providers-library/releases/go/mpl \
//	  github.com/aws/aws-sdk-go-v2/config github.com/aws/aws-sdk-go-v2/service/dynamodb \
//	  github.com/aws/aws-sdk-go-v2/service/kms

import (
	"context"

	keystore "github.com/aws/aws-cryptographic-material-providers-library/releases/go/mpl/awscryptographykeystoresmithygenerated"
	keystoretypes "github.com/aws/aws-cryptographic-material-providers-library/releases/go/mpl/awscryptographykeystoresmithygeneratedtypes"
	mpl "github.com/aws/aws-cryptographic-material-providers-library/releases/go/mpl/awscryptographymaterialproviderssmithygenerated"
	mpltypes "github.com/aws/aws-cryptographic-material-providers-library/releases/go/mpl/awscryptographymaterialproviderssmithygeneratedtypes"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/kms"
)

const (
	// For this long a role that lost its rights on the KMS key still works.
	lifetimeSeconds  = 300
	cachedBranchKeys = 100
)

// KeyStore returns the branch keys in the table, protected by the KMS key (its ARN); the table's name is bound to them.
func KeyStore(ctx context.Context, table, key string) (*keystore.Client, error) {
	configuration, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return nil, err
	}
	return keystore.NewClient(keystoretypes.KeyStoreConfig{
		DdbClient:           dynamodb.NewFromConfig(configuration),
		DdbTableName:        table,
		LogicalKeyStoreName: table,
		KmsClient:           kms.NewFromConfig(configuration),
		KmsConfiguration:    &keystoretypes.KMSConfigurationMemberkmsKeyArn{Value: key},
	})
}

// CreateBranchKey creates a branch key, such as one for each tenant; an administrator does this once, not the
// application.
func CreateBranchKey(
	ctx context.Context, store *keystore.Client, name string, encryptionContext map[string]string,
) (string, error) {
	output, err := store.CreateKey(ctx, keystoretypes.CreateKeyInput{
		BranchKeyIdentifier: &name,
		EncryptionContext:   encryptionContext,
	})
	if err != nil {
		return "", err
	}
	return output.BranchKeyIdentifier, nil
}

// RotateBranchKey gives the branch key a new version; the older ones still decrypt. For the administrator too.
func RotateBranchKey(ctx context.Context, store *keystore.Client, name string) error {
	_, err := store.VersionKey(ctx, keystoretypes.VersionKeyInput{BranchKeyIdentifier: name})
	return err
}

// BranchKeyring returns the keyring of one branch key: it cannot decrypt what another branch key encrypted.
func BranchKeyring(ctx context.Context, store *keystore.Client, name string) (mpltypes.IKeyring, error) {
	providers, err := mpl.NewClient(mpltypes.MaterialProvidersConfig{})
	if err != nil {
		return nil, err
	}
	return providers.CreateAwsKmsHierarchicalKeyring(ctx, mpltypes.CreateAwsKmsHierarchicalKeyringInput{
		KeyStore:    store,
		BranchKeyId: &name,
		TtlSeconds:  lifetimeSeconds,
		Cache: &mpltypes.CacheTypeMemberDefault{
			Value: mpltypes.DefaultCache{EntryCapacity: cachedBranchKeys},
		},
	})
}
