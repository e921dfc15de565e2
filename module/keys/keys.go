// Package keys gives a named key by version and computes keyed pseudonyms. It
// knows no purpose beyond that: who may use which name is the caller's affair.
package keys

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"fmt"
	"hash"
	"strconv"
	"strings"
	"sync"
)

// Name is the name of a key. A Ring that does not hold a name says so; it never
// makes a key up.
type Name string

// The keys the gate uses.
const (
	// PersonPseudonym names persons in the ledger and in budgets.
	PersonPseudonym Name = "person_pseudonym"
	// FieldPseudonym replaces field values by pseudonyms that differ per
	// partner and purpose.
	FieldPseudonym Name = "field_pseudonym"
	// APIKeyPepper keys the stored hash of API keys.
	APIKeyPepper Name = "api_key_pepper"
)

// Needed lists every key a gate must have to start.
func Needed() []Name { return []Name{PersonPseudonym, FieldPseudonym, APIKeyPepper} }

// Size is the length of every key in bytes.
const Size = 32

// ErrUnknown is returned for a name or version the ring does not hold.
var ErrUnknown = errors.New("keys: no such key")

// Ring gives keys. Implementations MUST return ErrUnknown (wrapped) for what
// they don't hold, MUST return keys of Size bytes, and MUST be safe for
// concurrent use. Current is the version new values are made with; every
// retained older version stays readable through Version.
type Ring interface {
	Current(ctx context.Context, name Name) (Key, error)
	Version(ctx context.Context, name Name, version int) (Key, error)
}

// Key is one version of a named key. Its zero value is no key: every use of it
// fails.
type Key struct {
	name    Name
	version int
	secret  []byte
	macs    *sync.Pool // of hash.Hash already keyed with secret: keying costs two SHA-256 blocks
}

// New makes a key from Size secret bytes and a version of 1 or more.
func New(name Name, version int, secret []byte) (Key, error) {
	switch {
	case name == "":
		return Key{}, errors.New("keys: a key needs a name")
	case version < 1:
		return Key{}, fmt.Errorf("keys: %s: version %d is below 1", name, version)
	case len(secret) != Size:
		return Key{}, fmt.Errorf("keys: %s version %d has %d bytes, wants %d", name, version, len(secret), Size)
	}
	return keyed(name, version, bytes.Clone(secret)), nil
}

func keyed(name Name, version int, secret []byte) Key {
	return Key{name: name, version: version, secret: secret, macs: &sync.Pool{New: func() any { return hmac.New(sha256.New, secret) }}}
}

// Version tells which version of its name the key is; 0 for the zero Key.
func (k Key) Version() int { return k.version }

// Name tells the key's name; "" for the zero Key.
func (k Key) Name() Name { return k.name }

// String never shows the secret.
func (k Key) String() string { return fmt.Sprintf("%s/v%d", k.name, k.version) }

// GoString never shows the secret, not even under %#v.
func (k Key) GoString() string { return k.String() }

// ErrNoKey is returned when the zero Key is used.
var ErrNoKey = errors.New("keys: zero key used")

// MAC returns HMAC-SHA-256 (RFC 2104) over the parts. Each part is preceded by
// its length, so that ("ab","c") and ("a","bc") differ.
func (k Key) MAC(parts ...string) ([]byte, error) { return k.mac(parts, nil) }

// Digest is MAC over a label and a body, for bodies too large to copy.
func (k Key) Digest(label string, body []byte) ([]byte, error) {
	return k.mac([]string{label}, [][]byte{body})
}

func (k Key) mac(parts []string, bodies [][]byte) ([]byte, error) {
	if len(k.secret) != Size {
		return nil, ErrNoKey
	}
	m := k.macs.Get().(hash.Hash)
	defer k.macs.Put(m)
	m.Reset()
	var buffer [128]byte
	for _, p := range parts {
		b := append(strconv.AppendInt(buffer[:0], int64(len(p)), 10), ':')
		m.Write(append(b, p...))
	}
	for _, body := range bodies {
		m.Write(append(strconv.AppendInt(buffer[:0], int64(len(body)), 10), ':'))
		m.Write(body)
	}
	return m.Sum(nil), nil
}

// Derive makes a key of the same version for one use, for instance one partner
// and purpose. Keys derived for different parts are independent.
func (k Key) Derive(parts ...string) (Key, error) {
	secret, err := k.MAC(append([]string{"hukougate derive v1"}, parts...)...)
	if err != nil {
		return Key{}, err
	}
	return keyed(k.name, k.version, secret), nil
}

var encoding = base32.StdEncoding.WithPadding(base32.NoPadding)

// Pseudonym names a value without showing it: "p" + key version + "_" + 26
// letters or digits (128 bits of HMAC-SHA-256 in lower-case base 32). domain
// keeps equal values of different kinds apart.
func (k Key) Pseudonym(domain, value string) (string, error) {
	sum, err := k.MAC("hukougate pseudonym v1", domain, value)
	if err != nil {
		return "", err
	}
	return "p" + strconv.Itoa(k.version) + "_" + strings.ToLower(encoding.EncodeToString(sum[:16])), nil
}
