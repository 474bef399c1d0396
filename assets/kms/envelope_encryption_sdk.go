// Package envelope encrypts with the AWS Encryption SDK: a KMS keyring, key commitment, and the encryption context
// checked.
//
//	go get github.com/aws/aws-encryption-sdk/releases/go/encryption-sdk \
//	  github.com/aws/aws-cryptographic-material-providers-library/releases/go/mpl \
//	  github.com/aws/aws-sdk-go-v2/config github.com/aws/aws-sdk-go-v2/service/kms
//
// A record is a message of the SDK: its header has the algorithm, encrypted data key, key ARN and encryption context in
// plain text; its body is encrypted in frames. Every implementation of the SDK can read it.
package envelope

import (
	"context"
	"errors"

	mpl "github.com/aws/aws-cryptographic-material-providers-library/releases/go/mpl/awscryptographymaterialproviderssmithygenerated"
	mpltypes "github.com/aws/aws-cryptographic-material-providers-library/releases/go/mpl/awscryptographymaterialproviderssmithygeneratedtypes"
	esdk "github.com/aws/aws-encryption-sdk/releases/go/encryption-sdk/awscryptographyencryptionsdksmithygenerated"
	esdktypes "github.com/aws/aws-encryption-sdk/releases/go/encryption-sdk/awscryptographyencryptionsdksmithygeneratedtypes"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/kms"
)

// Keyring returns the keyring of a KMS key, given by its ARN: an alias cannot decrypt.
func Keyring(ctx context.Context, key string) (mpltypes.IKeyring, error) {
	configuration, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return nil, err
	}
	providers, err := mpl.NewClient(mpltypes.MaterialProvidersConfig{})
	if err != nil {
		return nil, err
	}
	return providers.CreateAwsKmsKeyring(ctx, mpltypes.CreateAwsKmsKeyringInput{
		KmsClient: kms.NewFromConfig(configuration),
		KmsKeyId:  key,
	})
}

// Seal encrypts bytes with a new data key, and returns the message.
func Seal(
	ctx context.Context, ring mpltypes.IKeyring, plaintext []byte, encryptionContext map[string]string,
) ([]byte, error) {
	client, err := clientFor(encryptionContext)
	if err != nil {
		return nil, err
	}
	output, err := client.Encrypt(ctx, esdktypes.EncryptInput{
		Plaintext:         plaintext,
		EncryptionContext: encryptionContext,
		Keyring:           ring,
	})
	if err != nil {
		return nil, err
	}
	return output.Ciphertext, nil
}

// Unseal decrypts a message; the caller passes the context that it expects, and the message must have it.
func Unseal(
	ctx context.Context, ring mpltypes.IKeyring, message []byte, encryptionContext map[string]string,
) ([]byte, error) {
	client, err := clientFor(encryptionContext)
	if err != nil {
		return nil, err
	}
	output, err := client.Decrypt(ctx, esdktypes.DecryptInput{
		Ciphertext:        message,
		EncryptionContext: encryptionContext,
		Keyring:           ring,
	})
	if err != nil {
		return nil, err
	}
	for name, value := range encryptionContext {
		if actual, present := output.EncryptionContext[name]; !present || actual != value {
			return nil, errors.New("the message was encrypted for another context")
		}
	}
	return output.Plaintext, nil
}

func clientFor(encryptionContext map[string]string) (*esdk.Client, error) {
	if len(encryptionContext) == 0 {
		return nil, errors.New("the encryption context is empty: any message would open with it")
	}
	policy := mpltypes.ESDKCommitmentPolicyRequireEncryptRequireDecrypt
	return esdk.NewClient(esdktypes.AwsEncryptionSdkConfig{
		CommitmentPolicy: &policy,
		// This code wraps each data key with one key: refuse messages with more.
		MaxEncryptedDataKeys: aws.Int64(1),
	})
}
