package policy

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"slices"
	"strings"
	"testing"
)

// signer makes a key that is the same in every run.
func signer(seed byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize))
}

func public(key ed25519.PrivateKey) ed25519.PublicKey { return key.Public().(ed25519.PublicKey) }

func TestSignAndVerify(t *testing.T) {
	office, other := signer(1), signer(2)
	for _, body := range []string{"a: 1\n", "a: 1", "# comment\na: 1\n\n", "\n", "a: 1\r\n"} {
		signed := Sign([]byte(body), office)
		got, err := Verify(signed, []ed25519.PublicKey{public(office)})
		if err != nil || string(got) != strings.TrimSuffix(body, "\n")+"\n" {
			t.Errorf("%q: %q, %v", body, got, err)
		}
		if !bytes.Equal(Body(signed), got) {
			t.Errorf("%q: Body gives %q", body, Body(signed))
		}
		twice := Sign(signed, other)
		for name, trusted := range map[string][]ed25519.PublicKey{
			"first": {public(office)}, "second": {public(other)}, "both": {public(other), public(office)}, "among others": {public(signer(3)), public(other)},
		} {
			if again, err := Verify(twice, trusted); err != nil || !bytes.Equal(again, got) {
				t.Errorf("%q signed twice, %s trusted: %q, %v", body, name, again, err)
			}
		}
	}
}

// TestSignAgain: each key signs once, and signing takes no other's signature away.
func TestSignAgain(t *testing.T) {
	office, other := signer(1), signer(2)
	first := Sign([]byte("a: 1\n"), office)
	both := Sign(first, other)
	if !bytes.HasPrefix(both, first) {
		t.Errorf("the first signature is gone:\n%s", both)
	}
	for name, tt := range map[string]struct {
		text []byte
		want []string
	}{
		"unsigned":              {[]byte("a: 1\n"), nil},
		"once":                  {first, []string{KeyID(public(office))}},
		"again":                 {Sign(first, office), []string{KeyID(public(office))}},
		"two":                   {both, []string{KeyID(public(office)), KeyID(public(other))}},
		"two, the first again":  {Sign(both, office), []string{KeyID(public(other)), KeyID(public(office))}},
		"two, the second again": {Sign(both, other), []string{KeyID(public(office)), KeyID(public(other))}},
	} {
		if got, err := Signers(tt.text); err != nil || !slices.Equal(got, tt.want) {
			t.Errorf("%s: %v, %v, want %v", name, got, err, tt.want)
		}
		if _, err := Verify(tt.text, []ed25519.PublicKey{public(office), public(other)}); (err == nil) != (tt.want != nil) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// After a change each has to sign again; until then the gate trusting both refuses.
	changed := Sign(bytes.Replace(both, []byte("a: 1"), []byte("a: 2"), 1), office)
	if _, err := Verify(changed, []ed25519.PublicKey{public(office), public(other)}); !errors.Is(err, ErrSignatureInvalid) {
		t.Errorf("changed, signed anew by one: %v", err)
	}
	if body, err := Verify(Sign(changed, other), []ed25519.PublicKey{public(office), public(other)}); err != nil || string(body) != "a: 2\n" {
		t.Errorf("changed, signed anew by both: %q, %v", body, err)
	}
	for _, behind := range []string{"b: 2\n", "\n", "# signature: hukou-grant-v1 x\n"} {
		text := append(bytes.Clone(first), behind...)
		if _, err := Signers(text); !errors.Is(err, ErrSignatureFormat) {
			t.Errorf("%q behind: %v", behind, err)
		}
		if _, err := Verify(Sign(text, office), []ed25519.PublicKey{public(office)}); err == nil {
			t.Errorf("%q behind, signed again: %v", behind, err)
		}
	}
}

func TestVerifyRefuses(t *testing.T) {
	office, other := signer(1), signer(2)
	trusted := []ed25519.PublicKey{public(office)}
	signed := string(Sign([]byte("a: 1\n"), office))
	line := strings.TrimPrefix(signed, "a: 1\n")
	foreign := strings.TrimPrefix(string(Sign([]byte("a: 1\n"), other)), "a: 1\n")
	stolen := strings.TrimPrefix(string(Sign([]byte("b: 2\n"), office)), "b: 2\n")
	bare := ed25519.Sign(office, []byte("a: 1\n"))
	for name, tt := range map[string]struct {
		text    string
		trusted []ed25519.PublicKey
		want    error
	}{
		"empty":                     {"", trusted, ErrUnsigned},
		"unsigned":                  {"a: 1\n", trusted, ErrUnsigned},
		"signature line alone":      {line, trusted, ErrUnsigned},
		"nobody trusted":            {signed, nil, ErrUntrusted},
		"another trusted":           {signed, []ed25519.PublicKey{public(other)}, ErrUntrusted},
		"changed":                   {strings.Replace(signed, "a: 1", "a: 2", 1), trusted, ErrSignatureInvalid},
		"line added":                {"b: 2\n" + signed, trusted, ErrSignatureInvalid},
		"comment added":             {"# \n" + signed, trusted, ErrSignatureInvalid},
		"line break changed":        {"a: 1\r\n" + line, trusted, ErrSignatureInvalid},
		"line break added":          {"a: 1\n\n" + line, trusted, ErrSignatureInvalid},
		"another's signature":       {"a: 1\n" + stolen, trusted, ErrSignatureInvalid},
		"good, then a wrong one":    {signed + stolen, trusted, ErrSignatureInvalid},
		"wrong, then a good one":    {"a: 1\n" + stolen + line, trusted, ErrSignatureInvalid},
		"text behind":               {signed + "b: 2\n", trusted, ErrSignatureFormat},
		"text between":              {signed + "b: 2\n" + foreign, trusted, ErrSignatureFormat},
		"empty line behind":         {signed + "\n", trusted, ErrSignatureFormat},
		"no line break at the end":  {strings.TrimSuffix(signed, "\n"), trusted, ErrSignatureFormat},
		"carriage return at end":    {strings.TrimSuffix(signed, "\n") + "\r\n", trusted, ErrSignatureFormat},
		"no key id":                 {"a: 1\n" + signaturePrefix + "AAAA\n", trusted, ErrSignatureFormat},
		"short key id":              {"a: 1\n" + strings.Replace(line, KeyID(public(office)), "abc", 1), trusted, ErrSignatureFormat},
		"not base64":                {"a: 1\n" + signaturePrefix + KeyID(public(office)) + " ***\n", trusted, ErrSignatureFormat},
		"short signature":           {"a: 1\n" + signaturePrefix + KeyID(public(office)) + " AAAA\n", trusted, ErrSignatureFormat},
		"no signature":              {"a: 1\n" + signaturePrefix + KeyID(public(office)) + " \n", trusted, ErrSignatureFormat},
		"another version":           {"a: 1\n" + strings.Replace(line, "hukou-grant-v1", "hukou-grant-v2", 1), trusted, ErrUnsigned},
		"of another kind of text":   {"a: 1\n" + signaturePrefix + KeyID(public(office)) + " " + b64(bare) + "\n", trusted, ErrSignatureInvalid},
		"another's under our id":    {"a: 1\n" + strings.Replace(foreign, KeyID(public(other)), KeyID(public(office)), 1), trusted, ErrSignatureInvalid},
		"foreign signature, broken": {signed + strings.Replace(foreign, " ", "  ", 5), trusted, ErrSignatureFormat},
	} {
		if body, err := Verify([]byte(tt.text), tt.trusted); !errors.Is(err, tt.want) || body != nil {
			t.Errorf("%s: %q, %v, want %v", name, body, err, tt.want)
		}
	}
	// What a key of no concern signed, well-formed, neither helps nor harms.
	if _, err := Verify([]byte(signed+foreign), trusted); err != nil {
		t.Errorf("beside a foreign signature: %v", err)
	}
}

func TestEveryByteOfASignedTextCounts(t *testing.T) {
	signed := Sign(FormatGrant(grant()), signer(1))
	trusted := []ed25519.PublicKey{public(signer(1))}
	for i := range signed {
		for _, bit := range []byte{1, 0x20, 0x80} {
			changed := bytes.Clone(signed)
			changed[i] ^= bit
			if body, err := Verify(changed, trusted); err == nil {
				t.Fatalf("byte %d changed from %q to %q: accepted as %q", i, signed[i], changed[i], body)
			}
		}
	}
	for n := range signed {
		if _, err := Verify(signed[:n], trusted); err == nil {
			t.Fatalf("cut after %d of %d bytes: accepted", n, len(signed))
		}
	}
}

func TestKeyFiles(t *testing.T) {
	key := signer(1)
	secret, err := EncodePrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := ParsePrivateKey(secret); err != nil || !got.Equal(key) {
		t.Errorf("private key: %v", err)
	}
	one, err := EncodePublicKey(public(key))
	if err != nil {
		t.Fatal(err)
	}
	two, err := EncodePublicKey(public(signer(2)))
	if err != nil {
		t.Fatal(err)
	}
	got, err := ParsePublicKeys(slices.Concat([]byte("\n"), one, []byte("\n\n"), two))
	if err != nil || len(got) != 2 || !got[0].Equal(public(key)) || !got[1].Equal(public(signer(2))) {
		t.Errorf("public keys: %v, %v", got, err)
	}
	foreign, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	foreignSecret, err := x509.MarshalPKCS8PrivateKey(foreign)
	if err != nil {
		t.Fatal(err)
	}
	foreignPublic, err := x509.MarshalPKIXPublicKey(&foreign.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	block := func(kind string, der []byte) []byte { return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}) }
	for name, raw := range map[string][]byte{
		"empty": nil, "text": []byte("secret"), "public": one, "two": slices.Concat(secret, secret), "trailing": append(bytes.Clone(secret), 'x'),
		"not DER": block("PRIVATE KEY", []byte("x")), "ECDSA": block("PRIVATE KEY", foreignSecret), "other label": block("EC PRIVATE KEY", foreignSecret),
	} {
		if got, err := ParsePrivateKey(raw); err == nil || got != nil {
			t.Errorf("private key, %s: accepted", name)
		}
	}
	for name, raw := range map[string][]byte{
		"empty": nil, "blank": []byte(" \n"), "text": []byte("key"), "private": secret, "private behind": slices.Concat(one, secret),
		"text behind": append(bytes.Clone(one), "x"...), "not DER": block("PUBLIC KEY", []byte("x")), "ECDSA": block("PUBLIC KEY", foreignPublic),
	} {
		if got, err := ParsePublicKeys(raw); err == nil || got != nil {
			t.Errorf("public keys, %s: accepted", name)
		} else if bytes.Contains([]byte(err.Error()), []byte("MC4CAQ")) {
			t.Errorf("public keys, %s: the error quotes a secret", name)
		}
	}
}
