// Package appsecret reads the secret through the AWS Parameters and Secrets Lambda extension, which caches it for 300
// seconds by default.
//
// Add the extension's layer for your Region and architecture to the function. Call Secret inside the handler: the
// extension does not answer during initialization.
//
//	go get github.com/aws/aws-sdk-go-v2/config \
//	  github.com/aws/aws-sdk-go-v2/service/secretsmanager
package appsecret

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
)

const secretName = "{{Secret}}"

// Secret is the JSON secret.
type Secret map[string]any

// Reader reads the secret; it is safe for concurrent use.
type Reader struct {
	client *secretsmanager.Client
}

// New returns a Reader that uses the default configuration of the SDK.
func New(ctx context.Context) (*Reader, error) {
	configuration, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return nil, err
	}
	return &Reader{client: secretsmanager.NewFromConfig(configuration)}, nil
}

// Secret returns the secret; fresh bypasses the extension, whose cache cannot be invalidated.
func (r *Reader) Secret(ctx context.Context, fresh bool) (Secret, error) {
	fetch := r.fromExtension
	if fresh {
		fetch = r.fetched
	}
	text, err := fetch(ctx)
	if err != nil {
		return nil, err
	}
	return parsed(text)
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
	input := &secretsmanager.GetSecretValueInput{SecretId: aws.String(secretName)}
	answer, err := r.client.GetSecretValue(ctx, input)
	if err != nil {
		return "", err
	}
	if answer.SecretString == nil {
		return "", errors.New("the secret is binary: decode SecretBinary")
	}
	return *answer.SecretString, nil
}

func (r *Reader) fromExtension(ctx context.Context) (string, error) {
	address := "http://localhost:" + port() + "/secretsmanager/get?secretId=" + url.QueryEscape(secretName)
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return "", err
	}
	request.Header.Set("X-Aws-Parameters-Secrets-Token", os.Getenv("AWS_SESSION_TOKEN"))
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return "", fmt.Errorf("the extension answered with status %d", answer.StatusCode)
	}
	var body struct{ SecretString *string }
	if json.NewDecoder(answer.Body).Decode(&body) != nil {
		return "", errors.New("the extension's answer is not JSON")
	}
	if body.SecretString == nil {
		return "", errors.New("the secret is binary: decode SecretBinary")
	}
	return *body.SecretString, nil
}

func port() string {
	if port := os.Getenv("PARAMETERS_SECRETS_EXTENSION_HTTP_PORT"); port != "" {
		return port
	}
	return "2773"
}

func parsed(text string) (Secret, error) {
	var secret Secret
	if json.Unmarshal([]byte(text), &secret) != nil {
		// The parser's own error can quote the text.
		return nil, errors.New("the secret is not a JSON object")
	}
	return secret, nil
}
