package identity

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base32"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"

	"hukougate/module/access"
	"hukougate/module/keys"
)

// DefaultAPIKeyHeader is the header an API key is read from unless another is
// configured. A key in the URL is never looked at: URLs are logged.
const DefaultAPIKeyHeader = "X-Api-Key"

const (
	apiKeyDomain      = "hukougate api key v1"
	apiKeySecretBytes = 20 // 160 bits, 32 base32 characters without spare bits
)

var (
	apiKeyForm     = regexp.MustCompile(`^hk_([a-z0-9][a-z0-9-]{0,31})_([a-z2-7]{26,128})$`)
	apiKeyEncoding = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)
	headerForm     = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9-]{0,63}$`)
)

// NewAPIKey makes an API key, hk_<id>_<secret>, and the hash to store for it
// (64 hexadecimal digits: HMAC-SHA-256 under the pepper over id and secret). The
// key is shown to its owner once and can't be got back from the hash. id is 1
// to 32 of a-z, 0-9 and -; pepper must be a version of keys.APIKeyPepper.
func NewAPIKey(id string, pepper keys.Key) (key, hash string, err error) {
	if !keyIDForm.MatchString(id) {
		return "", "", errors.New("identity: an API key id is 1 to 32 of a-z, 0-9 and -, not starting with -")
	}
	if pepper.Name() != keys.APIKeyPepper {
		return "", "", fmt.Errorf("identity: API keys are hashed under %s, not %q", keys.APIKeyPepper, pepper.Name())
	}
	secret := make([]byte, apiKeySecretBytes)
	if _, err := rand.Read(secret); err != nil {
		return "", "", fmt.Errorf("identity: %w", err)
	}
	text := apiKeyEncoding.EncodeToString(secret)
	sum, err := pepper.MAC(apiKeyDomain, id, text)
	if err != nil {
		return "", "", fmt.Errorf("identity: %w", err)
	}
	return "hk_" + id + "_" + text, hex.EncodeToString(sum), nil
}

// APIKeyAuthenticator accepts API keys from one header.
type APIKeyAuthenticator struct {
	ring   keys.Ring
	header string
}

// NewAPIKeyAuthenticator reads API keys from header ("": DefaultAPIKeyHeader)
// and verifies them under the peppers of ring.
func NewAPIKeyAuthenticator(ring keys.Ring, header string) (*APIKeyAuthenticator, error) {
	if header == "" {
		header = DefaultAPIKeyHeader
	}
	canonical := http.CanonicalHeaderKey(header)
	// Headers with a meaning of their own, or which net/http takes out of the map.
	reserved := []string{authorization, "Connection", "Content-Length", "Content-Type", "Cookie", "Host",
		"Proxy-Authorization", "Te", "Trailer", "Transfer-Encoding", "Upgrade", "X-Hukou-Application"}
	switch {
	case ring == nil:
		return nil, errors.New("identity: API keys need a key ring")
	case !headerForm.MatchString(header) || slices.Contains(reserved, canonical):
		return nil, fmt.Errorf("identity: %q can't be the API key header", header)
	}
	return &APIKeyAuthenticator{ring: ring, header: canonical}, nil
}

// Proof implements Authenticator.
func (a *APIKeyAuthenticator) Proof() access.Proof { return access.ProofAPIKey }

// ReadsHeader implements HeaderReader.
func (a *APIKeyAuthenticator) ReadsHeader() string { return a.header }

// Authenticate implements Authenticator.
func (a *APIKeyAuthenticator) Authenticate(r *http.Request, d *Directory) (string, error) {
	values := r.Header.Values(a.header)
	if len(values) == 0 {
		return "", ErrAbsent
	}
	if len(values) > 1 {
		return "", fmt.Errorf("%w: API key header repeated", ErrInvalid)
	}
	parts := apiKeyForm.FindStringSubmatch(values[0])
	if parts == nil || a.ring == nil {
		return "", fmt.Errorf("%w: not an API key", ErrInvalid)
	}
	id, secret := parts[1], parts[2]
	entry, known := d.apiKey(id)
	pepper, err := a.pepper(r, entry, known)
	if err != nil {
		return "", err
	}
	sum, err := pepper.MAC(apiKeyDomain, id, secret)
	if err != nil {
		return "", fmt.Errorf("%w: pepper not usable", ErrUnavailable)
	}
	// An unknown id is compared with the zero hash, so that the time taken does
	// not tell which ids exist; known decides only after the comparison.
	same := subtle.ConstantTimeCompare(sum, entry.hash[:])
	if same&boolInt(known) != 1 {
		return "", fmt.Errorf("%w: API key does not match", ErrInvalid)
	}
	return entry.caller, nil
}

// pepper fetches the key to hash with; for an unknown id the current one, to do
// the same work. A version the ring no longer holds invalidates its API keys.
func (a *APIKeyAuthenticator) pepper(r *http.Request, entry apiKeyEntry, known bool) (keys.Key, error) {
	var (
		pepper keys.Key
		err    error
	)
	if known {
		pepper, err = a.ring.Version(r.Context(), keys.APIKeyPepper, entry.pepper)
	} else {
		pepper, err = a.ring.Current(r.Context(), keys.APIKeyPepper)
	}
	switch {
	case errors.Is(err, keys.ErrUnknown):
		return keys.Key{}, fmt.Errorf("%w: pepper version not held", ErrInvalid)
	case err != nil:
		return keys.Key{}, fmt.Errorf("%w: pepper: %w", ErrUnavailable, err)
	}
	return pepper, nil
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

var (
	_ Authenticator = (*APIKeyAuthenticator)(nil)
	_ HeaderReader  = (*APIKeyAuthenticator)(nil)
)
