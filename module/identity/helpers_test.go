package identity_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"hukougate/module/identity"
	"hukougate/module/keys"
)

// noon is the time of all tests with an injected clock.
var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func atNoon() time.Time { return noon }

func mustLoad(t testing.TB, text string) *identity.Directory {
	t.Helper()
	d, err := identity.LoadDirectory("callers.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func request(headers ...string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/residents", nil)
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	return r
}

// ring holds the given peppers; with broken set, it holds nothing and says why.
type ring struct {
	peppers []keys.Key
	broken  error
}

func (r ring) Current(_ context.Context, name keys.Name) (keys.Key, error) {
	if r.broken != nil {
		return keys.Key{}, r.broken
	}
	if name != keys.APIKeyPepper || len(r.peppers) == 0 {
		return keys.Key{}, keys.ErrUnknown
	}
	return r.peppers[len(r.peppers)-1], nil
}

func (r ring) Version(_ context.Context, name keys.Name, version int) (keys.Key, error) {
	if r.broken != nil {
		return keys.Key{}, r.broken
	}
	for _, k := range r.peppers {
		if name == keys.APIKeyPepper && k.Version() == version {
			return k, nil
		}
	}
	return keys.Key{}, keys.ErrUnknown
}

var errBroken = errors.New("the vault is sealed")

func pepper(t testing.TB, version int) keys.Key {
	t.Helper()
	k, err := keys.New(keys.APIKeyPepper, version, []byte(strings.Repeat(string(rune('a'+version)), keys.Size)))
	if err != nil {
		t.Fatal(err)
	}
	return k
}
