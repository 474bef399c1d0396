// Package appsecret reads the secret through the AWS Secrets Manager Agent on this host, which caches it for its
// ttl_seconds.
package appsecret

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

const secretName = "{{Secret}}"

// Secret is the JSON secret.
type Secret map[string]any

// Reader reads the secret; it is safe for concurrent use.
type Reader struct{}

// Secret returns the secret; fresh makes the agent fetch it now.
func (r *Reader) Secret(ctx context.Context, fresh bool) (Secret, error) {
	text, err := fromAgent(ctx, fresh)
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

func fromAgent(ctx context.Context, fresh bool) (string, error) {
	// The token protects against forged requests (SSRF); the agent's installation writes it.
	token, err := os.ReadFile(setting("SECRETS_MANAGER_AGENT_TOKEN", "{{TokenFile}}"))
	if err != nil {
		return "", err
	}
	address := setting("SECRETS_MANAGER_AGENT", "http://localhost:2773") +
		"/secretsmanager/get?secretId=" + url.QueryEscape(secretName)
	if fresh {
		address += "&refreshNow=true"
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return "", err
	}
	request.Header.Set("X-Aws-Parameters-Secrets-Token", strings.TrimSpace(string(token)))
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return "", fmt.Errorf("the agent answered with status %d", answer.StatusCode)
	}
	var body struct{ SecretString *string }
	if json.NewDecoder(answer.Body).Decode(&body) != nil {
		return "", errors.New("the agent's answer is not JSON")
	}
	if body.SecretString == nil {
		return "", errors.New("the secret is binary: decode SecretBinary")
	}
	return *body.SecretString, nil
}

func setting(variable, otherwise string) string {
	if value := os.Getenv(variable); value != "" {
		return value
	}
	return otherwise
}

func parsed(text string) (Secret, error) {
	var secret Secret
	if json.Unmarshal([]byte(text), &secret) != nil {
		// The parser's own error can quote the text.
		return nil, errors.New("the secret is not a JSON object")
	}
	return secret, nil
}
