package identity

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/go-jose/go-jose/v4"

	"hukougate/module/jsonlex"
)

// base64url is the encoding of JOSE (RFC 7515 clause 2), without spare bits.
var base64url = base64.RawURLEncoding.Strict()

// KeySet gives the public keys tokens are verified with.
//
// Implementations MUST return a key only when exactly one of the set has
// exactly this kid; MUST return an error wrapping ErrInvalid when none or
// several have; MUST return one wrapping ErrUnavailable when they hold no set
// they may rely on; MUST never give a private or symmetric key; and MUST be safe
// for concurrent use.
type KeySet interface {
	Key(ctx context.Context, kid string) (jose.JSONWebKey, error)
}

// maxKeySet bounds a key set, in bytes.
const maxKeySet = 1 << 20

// minRSABits is the least modulus of an RSA key (RFC 7518 clause 3.3).
const minRSABits = 2048

// keySet is a parsed JWK Set (RFC 7517 clause 5): public signature keys that
// have a kid.
type keySet []jose.JSONWebKey

// find returns the one key of a kid.
func (s keySet) find(kid string) (jose.JSONWebKey, error) {
	var found []jose.JSONWebKey
	for _, k := range s {
		if k.KeyID == kid {
			found = append(found, k)
		}
	}
	if kid == "" || len(found) != 1 {
		return jose.JSONWebKey{}, fmt.Errorf("%w: %d keys of this kid", ErrInvalid, len(found))
	}
	return found[0], nil
}

// parseKeySet reads a JWK Set. A private or symmetric key makes the whole set
// an error: whoever published it has a leak, and nothing signed under such keys
// proves anything. Keys of unknown types, for encryption or without a kid are
// left out (RFC 7517 clause 5), but a set without any usable key is an error.
func parseKeySet(data []byte) (keySet, error) {
	if len(data) > maxKeySet {
		return nil, fmt.Errorf("key set larger than %d bytes", maxKeySet)
	}
	if err := jsonlex.Valid(data, jsonlex.Options{}); err != nil {
		return nil, fmt.Errorf("key set: %w", err)
	}
	var top map[string]json.RawMessage
	if err := json.Unmarshal(data, &top); err != nil {
		return nil, errors.New("key set is not an object")
	}
	var entries []json.RawMessage
	if err := json.Unmarshal(top["keys"], &entries); err != nil {
		return nil, errors.New(`key set has no list "keys"`)
	}
	var set keySet
	for i, raw := range entries {
		key, usable, err := parseKey(raw)
		if err != nil {
			return nil, fmt.Errorf("key %d of the set: %w", i+1, err)
		}
		if usable {
			set = append(set, key)
		}
	}
	if len(set) == 0 {
		return nil, errors.New("key set holds no public signature key with a kid")
	}
	return set, nil
}

func parseKey(raw json.RawMessage) (key jose.JSONWebKey, usable bool, err error) {
	var members map[string]any
	if err := json.Unmarshal(raw, &members); err != nil {
		return key, false, errors.New("not an object")
	}
	if members["kty"] == "oct" {
		return key, false, errors.New("symmetric key")
	}
	for _, private := range []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"} {
		if _, ok := members[private]; ok {
			return key, false, errors.New("private key")
		}
	}
	use, hasUse := members["use"]
	kid, _ := members["kid"].(string)
	if kid == "" || (hasUse && use != "sig") || !knownType(members) {
		return key, false, nil
	}
	// The library's message may quote the key: say only that it is wrong.
	if err := key.UnmarshalJSON(raw); err != nil || !key.Valid() {
		return jose.JSONWebKey{}, false, errors.New("not a well-formed key")
	}
	switch k := key.Key.(type) {
	case *rsa.PublicKey:
		if k.N.BitLen() < minRSABits {
			return jose.JSONWebKey{}, false, fmt.Errorf("RSA key shorter than %d bits", minRSABits)
		}
	case *ecdsa.PublicKey, ed25519.PublicKey:
	default:
		return jose.JSONWebKey{}, false, nil
	}
	return key, true, nil
}

// knownType reports whether a key is of a type and curve the allowed algorithms
// use.
func knownType(members map[string]any) bool {
	switch members["kty"] {
	case "RSA":
		return true
	case "EC":
		return members["crv"] == "P-256" || members["crv"] == "P-384" || members["crv"] == "P-521"
	case "OKP":
		return members["crv"] == "Ed25519"
	}
	return false
}
