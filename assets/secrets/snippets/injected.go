// Package appsecret reads the secret that ECS put into the environment when the task started; it is refetched when
// authentication fails.
//
// Allow the task role to read the secret too: the execution role reads it only when the task starts.
//
//	go get github.com/aws/aws-sdk-go-v2/config \
//	  github.com/aws/aws-sdk-go-v2/service/secretsmanager
package appsecret

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
)

const (
	variable   = "APP_SECRET"
	idVariable = "APP_SECRET_ID"
)

// Secret is the JSON secret.
type Secret map[string]any

// Reader keeps the secret; it is safe for concurrent use.
type Reader struct {
	client *secretsmanager.Client
	mutex  sync.Mutex
	text   string
}

// New returns a Reader that uses the default configuration of the SDK.
func New(ctx context.Context) (*Reader, error) {
	configuration, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return nil, err
	}
	return &Reader{client: secretsmanager.NewFromConfig(configuration), text: os.Getenv(variable)}, nil
}

// Secret returns the secret; fresh fetches it now and keeps it until the next authentication failure.
func (r *Reader) Secret(ctx context.Context, fresh bool) (Secret, error) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if fresh || r.text == "" {
		text, err := r.fetched(ctx)
		if err != nil {
			return nil, err
		}
		r.text = text
	}
	return parsed(r.text)
}

// WithSecret calls use; if it fails with the driver's authentication error, which refused recognizes, it refetches the
// secret and calls use once more.
func (r *Reader) WithSecret(ctx context.Context, use func(Secret) error, refused func(error) bool) error {
	secret, err := r.Secret(ctx, false)
	if err != nil {
		return err
	}
	if err = use(secret); err == nil || !refused(err) {
		return err
	}
	if secret, err = r.Secret(ctx, true); err != nil {
		return err
	}
	return use(secret)
}

func (r *Reader) fetched(ctx context.Context) (string, error) {
	input := &secretsmanager.GetSecretValueInput{SecretId: aws.String(os.Getenv(idVariable))}
	answer, err := r.client.GetSecretValue(ctx, input)
	if err != nil {
		return "", err
	}
	if answer.SecretString == nil {
		return "", errors.New("the secret is binary: decode SecretBinary")
	}
	return *answer.SecretString, nil
}

func parsed(text string) (Secret, error) {
	var secret Secret
	if json.Unmarshal([]byte(text), &secret) != nil {
		// The parser's own error can quote the text.
		return nil, errors.New("the secret is not a JSON object")
	}
	return secret, nil
}
