// Package envelope encrypts with the AWS SDK and Go's own AES-GCM: a data key for each record, bound to its encryption
// context.
//
//	go get github.com/aws/aws-sdk-go-v2/config github.com/aws/aws-sdk-go-v2/service/kms
//
// A record is JSON text:
//
//	v           1, the version of this format
//	algorithm   AES-256-GCM
//	key         ARN of the KMS key
//	data_key    the data key, encrypted by KMS (base64)
//	nonce       12 bytes, new for each record (base64)
//	ciphertext  with its 16-byte tag at the end (base64)
//	context     the encryption context, in plain text: put nothing secret in it
package envelope

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"errors"
	"slices"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

const (
	version   = 1
	algorithm = "AES-256-GCM"
)

type record struct {
	Version    int               `json:"v"`
	Algorithm  string            `json:"algorithm"`
	Key        string            `json:"key"`
	DataKey    []byte            `json:"data_key"`
	Nonce      []byte            `json:"nonce"`
	Ciphertext []byte            `json:"ciphertext"`
	Context    map[string]string `json:"context"`
}

// Client encrypts and decrypts records; it is safe for concurrent use.
type Client struct {
	kms *kms.Client
}

// New returns a Client that uses the default configuration of the SDK.
func New(ctx context.Context) (*Client, error) {
	configuration, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return nil, err
	}
	return &Client{kms: kms.NewFromConfig(configuration)}, nil
}

// Seal encrypts bytes with a new data key of the KMS key (an ARN or alias), and returns the record.
func (c *Client) Seal(
	ctx context.Context, key string, plaintext []byte, encryptionContext map[string]string,
) ([]byte, error) {
	if err := require(encryptionContext); err != nil {
		return nil, err
	}
	dataKey, err := c.kms.GenerateDataKey(ctx, &kms.GenerateDataKeyInput{
		KeyId:             aws.String(key),
		KeySpec:           types.DataKeySpecAes256,
		EncryptionContext: encryptionContext,
	})
	if err != nil {
		return nil, err
	}
	defer clear(dataKey.Plaintext)
	gcm, err := newGCM(dataKey.Plaintext)
	if err != nil {
		return nil, err
	}
	nonce := make([]byte, gcm.NonceSize())
	if _, err := rand.Read(nonce); err != nil {
		return nil, err
	}
	arn := aws.ToString(dataKey.KeyId)
	return json.Marshal(record{
		Version:    version,
		Algorithm:  algorithm,
		Key:        arn,
		DataKey:    dataKey.CiphertextBlob,
		Nonce:      nonce,
		Ciphertext: gcm.Seal(nil, nonce, plaintext, bound(arn, encryptionContext)),
		Context:    encryptionContext,
	})
}

// Unseal decrypts a record; the caller passes the key (its ARN) and the context that it expects.
//
// The record's own key and context are not trusted, so KMS refuses a record of another tenant.
func (c *Client) Unseal(
	ctx context.Context, text []byte, key string, encryptionContext map[string]string,
) ([]byte, error) {
	if err := require(encryptionContext); err != nil {
		return nil, err
	}
	var sealed record
	if err := json.Unmarshal(text, &sealed); err != nil {
		return nil, err
	}
	if sealed.Version != version || sealed.Algorithm != algorithm {
		return nil, errors.New("not a record of this format")
	}
	dataKey, err := c.kms.Decrypt(ctx, &kms.DecryptInput{
		CiphertextBlob: sealed.DataKey,
		// Without it KMS would use any key that the caller may use.
		KeyId:             aws.String(key),
		EncryptionContext: encryptionContext,
	})
	if err != nil {
		return nil, err
	}
	defer clear(dataKey.Plaintext)
	gcm, err := newGCM(dataKey.Plaintext)
	if err != nil {
		return nil, err
	}
	if len(sealed.Nonce) != gcm.NonceSize() {
		return nil, errors.New("not a record of this format")
	}
	return gcm.Open(nil, sealed.Nonce, sealed.Ciphertext, bound(sealed.Key, encryptionContext))
}

func require(encryptionContext map[string]string) error {
	if len(encryptionContext) == 0 {
		return errors.New("the encryption context is empty: any record would open with it")
	}
	return nil
}

func newGCM(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// bound is what the tag authenticates besides the ciphertext: each text after its length, the context sorted by name.
func bound(key string, encryptionContext map[string]string) []byte {
	names := make([]string, 0, len(encryptionContext))
	for name := range encryptionContext {
		names = append(names, name)
	}
	slices.Sort(names)
	texts := []string{strconv.Itoa(version), algorithm, key}
	for _, name := range names {
		texts = append(texts, name, encryptionContext[name])
	}
	var bytes []byte
	for _, text := range texts {
		bytes = binary.BigEndian.AppendUint32(bytes, uint32(len(text)))
		bytes = append(bytes, text...)
	}
	return bytes
}
