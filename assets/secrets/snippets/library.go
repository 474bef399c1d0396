// Package appsecret reads the secret through AWS's caching library; the value is at most five minutes old.
//
//	go get github.com/aws/aws-sdk-go-v2/config \
//	  github.com/aws/aws-sdk-go-v2/service/secretsmanager \
//	  github.com/aws/aws-secretsmanager-caching-go/v2/secretcache
package appsecret

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-secretsmanager-caching-go/v2/secretcache"
)

const (
	secretName = "{{Secret}}"
	lifetime   = 5 * time.Minute
)

// Secret is the JSON secret.
type Secret map[string]any

// Reader keeps the secret; it is safe for concurrent use.
type Reader struct {
	client *secretsmanager.Client
	mutex  sync.Mutex
	cache  *secretcache.Cache
}

// New returns a Reader that uses the default configuration of the SDK.
func New(ctx context.Context) (*Reader, error) {
	configuration, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return nil, err
	}
	return &Reader{client: secretsmanager.NewFromConfig(configuration)}, nil
}

// Secret returns the secret; fresh fetches it now.
func (r *Reader) Secret(ctx context.Context, fresh bool) (Secret, error) {
	cache, err := r.current(fresh)
	if err != nil {
		return nil, err
	}
	// A binary secret is an error here: read it with GetSecretBinaryWithContext.
	text, err := cache.GetSecretStringWithContext(ctx, secretName)
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

// current returns the cache. A new one instead of RefreshNow: that is not safe for concurrent use, and after a failed
// read it sleeps practically forever (v2.2.0).
func (r *Reader) current(fresh bool) (*secretcache.Cache, error) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if fresh || r.cache == nil {
		cache, err := secretcache.New(func(c *secretcache.Cache) {
			c.Client = r.client
			c.CacheItemTTL = lifetime.Nanoseconds()
		})
		if err != nil {
			return nil, err
		}
		r.cache = cache
	}
	return r.cache, nil
}

func parsed(text string) (Secret, error) {
	var secret Secret
	if json.Unmarshal([]byte(text), &secret) != nil {
		// The parser's own error can quote the text.
		return nil, errors.New("the secret is not a JSON object")
	}
	return secret, nil
}
