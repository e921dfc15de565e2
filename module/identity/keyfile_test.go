package identity_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"hukougate/module/identity"
)

func TestKeyFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys.json")
	if _, err := identity.NewKeyFile(path); err == nil {
		t.Fatal("a missing file: accepted")
	}
	stamp := noon
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		// The file system's clock may be coarser than the test is quick.
		stamp = stamp.Add(time.Second)
		if err := os.Chtimes(path, stamp, stamp); err != nil {
			t.Fatal(err)
		}
	}
	write("{")
	if _, err := identity.NewKeyFile(path); err == nil {
		t.Fatal("a broken file: accepted")
	}
	write(keySetJSON(t, "a"))
	f, err := identity.NewKeyFile(path)
	if err != nil {
		t.Fatal(err)
	}
	holds(t, f, "a", nil)
	holds(t, f, "b", identity.ErrInvalid)
	write(keySetJSON(t, "b"))
	holds(t, f, "b", nil)
	holds(t, f, "a", identity.ErrInvalid) // revoked by taking it out
	write(`{"keys":[{"kty":"oct","kid":"b","k":"c2VjcmV0"}]}`)
	holds(t, f, "b", identity.ErrUnavailable)
	if err := f.Check(); err == nil || !strings.Contains(err.Error(), "symmetric") {
		t.Errorf("Check: %v", err)
	}
	write(keySetJSON(t, "c"))
	holds(t, f, "c", nil)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	holds(t, f, "c", identity.ErrUnavailable)
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	holds(t, f, "c", identity.ErrUnavailable)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	write(keySetJSON(t, "c"))
	holds(t, f, "c", nil)
	if err := f.Check(); err != nil {
		t.Error(err)
	}
}

// TestJWTWithKeyFile goes from the file to the caller.
func TestJWTWithKeyFile(t *testing.T) {
	b := newBench(t)
	text, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{b.keys.keys["ed"]}})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "keys.json")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := identity.NewKeyFile(path)
	if err != nil {
		t.Fatal(err)
	}
	d := mustLoad(t, tokenDirectory)
	got, why := identity.Identify(b.body(goodClaims().with())(), d, list(tokens(t, f, "EdDSA")))
	if why != "" || got.ID != "bank" {
		t.Errorf("%+v, %q", got, why)
	}
}
