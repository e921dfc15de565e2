package policy

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
)

// A signed grant is a YAML text followed by one line per signature:
//
//	# signature: hukou-grant-v1 <key id> <base64 Ed25519 signature>
//
// A signature covers signatureContext and every byte before the first such
// line, so that comments, too, can't be changed unseen.
const (
	signaturePrefix  = "# signature: hukou-grant-v1 "
	signatureContext = "hukougate grant signature v1\n"
)

// Reasons a signed text is not accepted.
var (
	ErrUnsigned         = errors.New("policy: the grant is not signed")
	ErrUntrusted        = errors.New("policy: the grant is signed by no trusted key")
	ErrSignatureInvalid = errors.New("policy: the grant's signature does not fit its text; it was changed after signing")
	ErrSignatureFormat  = errors.New("policy: the grant's signature lines are not well-formed")
)

// KeyID names a public key: the first 16 hex digits of its SHA-256.
func KeyID(public ed25519.PublicKey) string {
	sum := sha256.Sum256(public)
	return hex.EncodeToString(sum[:8])
}

// Sign appends a signature to a grant's text. Earlier signatures of other keys
// stay, unverified; one of the same key is replaced. What Signers refuses does
// not verify after signing either.
func Sign(text []byte, key ed25519.PrivateKey) []byte {
	if !bytes.HasSuffix(text, []byte("\n")) {
		text = append(bytes.Clone(text), '\n')
	}
	body, lines := splitSignatures(text)
	own := KeyID(key.Public().(ed25519.PublicKey))
	out := bytes.Clone(body)
	for l := range bytes.Lines(lines) {
		if id, _, err := parseSignature(l); err != nil || id != own {
			out = append(out, l...)
		}
	}
	sig := ed25519.Sign(key, append([]byte(signatureContext), body...))
	return append(out, signaturePrefix+own+" "+base64.StdEncoding.EncodeToString(sig)+"\n"...)
}

// Signers lists the ids of the keys whose signatures a text bears, in order and
// unverified. The error is ErrSignatureFormat when a line behind the body is no
// signature.
func Signers(text []byte) ([]string, error) {
	_, lines := splitSignatures(text)
	var out []string
	for l := range bytes.Lines(lines) {
		id, _, err := parseSignature(l)
		if err != nil {
			return nil, err
		}
		out = append(out, id)
	}
	return out, nil
}

// Verify returns the body of a signed text when at least one trusted key signed
// it and no signature of a trusted key is wrong.
func Verify(text []byte, trusted []ed25519.PublicKey) ([]byte, error) {
	body, lines := splitSignatures(text)
	if len(lines) == 0 {
		return nil, ErrUnsigned
	}
	good := false
	for l := range bytes.Lines(lines) {
		id, sig, err := parseSignature(l)
		if err != nil {
			return nil, err
		}
		for _, key := range trusted {
			if KeyID(key) != id {
				continue
			}
			if !ed25519.Verify(key, append([]byte(signatureContext), body...), sig) {
				return nil, ErrSignatureInvalid
			}
			good = true
		}
	}
	if !good {
		return nil, ErrUntrusted
	}
	return body, nil
}

// Body returns a grant's text without its signature lines, unverified.
func Body(text []byte) []byte {
	body, _ := splitSignatures(text)
	return body
}

func splitSignatures(text []byte) (body, signatures []byte) {
	at := bytes.Index(text, []byte("\n"+signaturePrefix))
	if at < 0 {
		return text, nil
	}
	return text[:at+1], text[at+1:]
}

func parseSignature(line []byte) (id string, sig []byte, err error) {
	rest, ok := bytes.CutPrefix(line, []byte(signaturePrefix))
	rest, ended := bytes.CutSuffix(rest, []byte("\n"))
	name, encoded, two := bytes.Cut(rest, []byte(" "))
	if !ok || !ended || !two || len(name) != 16 {
		return "", nil, ErrSignatureFormat
	}
	sig, err = base64.StdEncoding.Strict().DecodeString(string(encoded))
	// The decoder skips line breaks: one signature has one spelling.
	if err != nil || bytes.ContainsAny(encoded, "\r\n") || len(sig) != ed25519.SignatureSize {
		return "", nil, ErrSignatureFormat
	}
	return string(name), sig, nil
}

// EncodePrivateKey writes an Ed25519 key as PKCS #8 PEM (RFC 8410).
func EncodePrivateKey(key ed25519.PrivateKey) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("policy: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

// EncodePublicKey writes an Ed25519 public key as PKIX PEM (RFC 8410).
func EncodePublicKey(key ed25519.PublicKey) ([]byte, error) {
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return nil, fmt.Errorf("policy: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), nil
}

// ParsePrivateKey reads what EncodePrivateKey wrote.
func ParsePrivateKey(raw []byte) (ed25519.PrivateKey, error) {
	block, rest := pem.Decode(raw)
	if block == nil || block.Type != "PRIVATE KEY" || len(bytes.TrimSpace(rest)) > 0 {
		return nil, errors.New("policy: not one PEM private key")
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, errors.New("policy: not a PKCS #8 private key")
	}
	private, ok := key.(ed25519.PrivateKey)
	if !ok {
		return nil, errors.New("policy: the signing key is not Ed25519")
	}
	return private, nil
}

// ParsePublicKeys reads one or more PEM public keys; anything else is an error.
func ParsePublicKeys(raw []byte) ([]ed25519.PublicKey, error) {
	var out []ed25519.PublicKey
	for rest := bytes.TrimSpace(raw); len(rest) > 0; rest = bytes.TrimSpace(rest) {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil || block.Type != "PUBLIC KEY" {
			return nil, errors.New("policy: not a PEM public key")
		}
		key, err := x509.ParsePKIXPublicKey(block.Bytes)
		if err != nil {
			return nil, errors.New("policy: not a PKIX public key")
		}
		public, ok := key.(ed25519.PublicKey)
		if !ok {
			return nil, errors.New("policy: a trusted key is not Ed25519")
		}
		out = append(out, public)
	}
	if len(out) == 0 {
		return nil, errors.New("policy: no trusted key; without one no grant can be accepted")
	}
	return out, nil
}
