// Package appsecret reads the secret from a mounted file on every use, so that a refreshed file takes effect
// immediately.
//
// When authentication fails, the code waits up to {{Wait}} seconds for the file to change: the mount is updated some
// time after a rotation.
package appsecret

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"time"
)

const (
	file        = "/mnt/secrets/app.json"
	longestWait = {{Wait}} * time.Second
)

// Secret is the JSON secret.
type Secret map[string]any

// FromFile returns the secret.
func FromFile() (Secret, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	return parsed(string(text))
}

// WithSecret calls use; if it fails with the driver's authentication error, which refused recognizes, it waits for the
// file to change and calls use once more.
func WithSecret(ctx context.Context, use func(Secret) error, refused func(error) bool) error {
	tried, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	secret, err := parsed(string(tried))
	if err != nil {
		return err
	}
	if err = use(secret); err == nil || !refused(err) {
		return err
	}
	if err = changed(ctx, string(tried)); err != nil {
		return err
	}
	if secret, err = FromFile(); err != nil {
		return err
	}
	return use(secret)
}

func changed(ctx context.Context, tried string) error {
	for end := time.Now().Add(longestWait); time.Now().Before(end); {
		text, err := os.ReadFile(file)
		if err != nil || string(text) != tried {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Second):
		}
	}
	return nil
}

func parsed(text string) (Secret, error) {
	var secret Secret
	if json.Unmarshal([]byte(text), &secret) != nil {
		// The parser's own error can quote the text.
		return nil, errors.New("the secret is not a JSON object")
	}
	return secret, nil
}
