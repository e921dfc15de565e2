package keys

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func testKey(t *testing.T, version int, fill byte) Key {
	t.Helper()
	k, err := New(PersonPseudonym, version, []byte(strings.Repeat(string(fill), Size)))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestPseudonymIsKeyedAndSeparated(t *testing.T) {
	a, b := testKey(t, 1, 'a'), testKey(t, 2, 'b')
	pseudonym := func(k Key, domain, value string) string {
		p, err := k.Pseudonym(domain, value)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	base := pseudonym(a, "citizen_id", "11010519491231002X")
	if base != pseudonym(a, "citizen_id", "11010519491231002X") {
		t.Error("the same value gave two pseudonyms")
	}
	if !strings.HasPrefix(base, "p1_") || len(base) != len("p1_")+26 {
		t.Errorf("shape of %q", base)
	}
	for name, other := range map[string]string{
		"another key":    pseudonym(b, "citizen_id", "11010519491231002X"),
		"another domain": pseudonym(a, "household_no", "11010519491231002X"),
		"shifted parts":  pseudonym(a, "citizen_id1", "1010519491231002X"),
	} {
		if other[3:] == base[3:] {
			t.Errorf("%s gave the same pseudonym", name)
		}
	}
	derived, err := a.Derive("bank", "kyc")
	if err != nil {
		t.Fatal(err)
	}
	if pseudonym(derived, "citizen_id", "11010519491231002X") == base {
		t.Error("a derived key gave the parent's pseudonym")
	}
}

func TestDigestIsMACOfItsBody(t *testing.T) {
	k := testKey(t, 1, 'a')
	digest, err := k.Digest("label", []byte("body"))
	if err != nil {
		t.Fatal(err)
	}
	mac, err := k.MAC("label", "body")
	if err != nil || !bytes.Equal(digest, mac) {
		t.Errorf("Digest %x, MAC %x, %v", digest, mac, err)
	}
	if _, err := (Key{}).Digest("label", nil); !errors.Is(err, ErrNoKey) {
		t.Errorf("zero key: %v", err)
	}
}

func TestZeroKeyRefuses(t *testing.T) {
	var k Key
	if _, err := k.Pseudonym("d", "v"); !errors.Is(err, ErrNoKey) {
		t.Errorf("Pseudonym: %v", err)
	}
	if _, err := k.Derive("x"); !errors.Is(err, ErrNoKey) {
		t.Errorf("Derive: %v", err)
	}
}

func TestKeyNeverPrintsItsSecret(t *testing.T) {
	k := testKey(t, 1, 's')
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		if strings.Contains(fmt.Sprintf(verb, k), "sss") {
			t.Errorf("%s shows the secret", verb)
		}
	}
}

func TestFileRing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys.json")
	if err := CreateFile(path); err != nil {
		t.Fatal(err)
	}
	if err := CreateFile(path); err == nil {
		t.Error("CreateFile overwrote a key file")
	}
	ring, err := OpenFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range Needed() {
		k, err := ring.Current(context.Background(), name)
		if err != nil || k.Version() != 1 || k.Name() != name {
			t.Errorf("%s: %v %v", name, k, err)
		}
		if _, err := ring.Version(context.Background(), name, 2); !errors.Is(err, ErrUnknown) {
			t.Errorf("%s version 2: %v", name, err)
		}
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenFile(path); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("a readable key file: %v", err)
	}
}

func TestParseFileRefuses(t *testing.T) {
	const secret = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
	const key = `{"name":"person_pseudonym","version":1,"secret":"` + secret + `"}`
	for name, raw := range map[string]string{
		"empty":        ``,
		"not JSON":     `keys`,
		"wrong format": `{"format":"x","keys":[]}`,
		"unknown word": `{"format":"hukougate-keys-v1","keyz":[]}`,
		"trailing":     `{"format":"hukougate-keys-v1","keys":[]} {}`,
		"missing":      `{"format":"hukougate-keys-v1","keys":[` + key + `]}`,
		"twice":        `{"format":"hukougate-keys-v1","keys":[` + key + `,` + key + `]}`,
		"short":        `{"format":"hukougate-keys-v1","keys":[{"name":"person_pseudonym","version":1,"secret":"c2hvcnQ="}]}`,
		"not base64":   `{"format":"hukougate-keys-v1","keys":[{"name":"person_pseudonym","version":1,"secret":"!"}]}`,
		"version 0":    `{"format":"hukougate-keys-v1","keys":[{"name":"person_pseudonym","version":0,"secret":"` + secret + `"}]}`,
	} {
		if _, err := parseFile([]byte(raw)); err == nil {
			t.Errorf("%s: accepted", name)
		} else if strings.Contains(err.Error(), secret) {
			t.Errorf("%s: the error shows a secret", name)
		}
	}
}
