package main

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"hukougate/module/access"
	"hukougate/module/demo"
	"hukougate/module/policy"
)

// askWith looks somebody up with a client that keeps its connection. It does not
// fail the test, so that any goroutine may call it.
func askWith(client *http.Client, g *gate, who demo.Caller, body string) (receipt, text string, err error) {
	r, err := http.NewRequest("POST", g.URL(lookupPath), strings.NewReader(body))
	if err != nil {
		return "", "", err
	}
	r.Header = who.Header.Clone()
	r.Header.Set("Content-Type", "application/json")
	res, err := client.Do(r)
	if err != nil {
		return "", "", err
	}
	raw, err := io.ReadAll(res.Body)
	return res.Header.Get("X-Hukou-Receipt"), string(raw), errors.Join(err, res.Body.Close())
}

// TestGrantsChangeWhileRunning makes, signs and revokes a grant with the
// program's own commands while a gate runs on the folder.
func TestGrantsChangeWhileRunning(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t, func(site *demo.Site) {
		hukougate(t, "grant", "keygen", site.Path("office"))
		trust, err := os.ReadFile(site.Path("trust.pub"))
		if err != nil {
			t.Fatal(err)
		}
		office, err := os.ReadFile(site.Path("office.pub"))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(site.Path("trust.pub"), append(trust, office...), 0o600); err != nil {
			t.Fatal(err)
		}
	})
	under := http.Header{"X-Hukou-Application": {"APP-2026-0099"}}
	file, key := w.Path("grants/APP-2026-0099.yaml"), w.Path("office.key")
	w.becomes(t, w.social, "403 application_unknown", under)
	hukougate(t, "grant", "new", file, "--application", "APP-2026-0099", "--caller", "social-security", "--unit", "示例市人力资源和社会保障局", "--role", "social_security",
		"--purpose", "social_insurance", "--legal-basis", "社会保险法 第五十七条", "--scope", "social-insurance", "--resource", "resident",
		"--from", "2026-01-01T00:00:00+08:00", "--until", "2046-01-01T00:00:00+08:00", "--agreement-until", "2046-01-01T00:00:00+08:00")
	w.logged(t, "grants not accepted", "APP-2026-0099.yaml", "is not signed")
	w.becomes(t, w.social, "403 application_unknown", under)
	hukougate(t, "grant", "check", file, "--rules", w.Path("rules"))
	hukougate(t, "grant", "sign", file, "--key", key)
	w.becomes(t, w.social, "200", under)
	signed := w.read(t, "grants/APP-2026-0099.yaml")

	hukougate(t, "grant", "revoke", file, "--key", key)
	w.becomes(t, w.social, "403 grant_revoked", under)
	w.becomes(t, w.social, "200", nil) // its other grant stands

	// The older revision is signed too, and must not come back, by its own name
	// or another.
	replaceFile(t, file, signed)
	w.logged(t, "grants not accepted", "APP-2026-0099.yaml", "revision 1 is older than 2")
	w.becomes(t, w.social, "403 application_unknown", under)
	replaceFile(t, w.Path("grants/copy.yaml"), signed)
	w.logged(t, "grants not accepted", "copy.yaml", "revision 1 is older than 2")
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	w.becomes(t, w.social, "403 application_unknown", under)
	if err := os.Remove(w.Path("grants/copy.yaml")); err != nil {
		t.Fatal(err)
	}

	// Issued anew with a higher revision, it counts again.
	raw := w.read(t, "office.key")
	private, err := policy.ParsePrivateKey(raw)
	if err != nil {
		t.Fatal(err)
	}
	issue(t, w.Site, private, "APP-2026-0002", "APP-2026-0099", func(g *access.Grant) { g.Revision = 3 })
	w.becomes(t, w.social, "200", under)
}

// TestGrantSignatures changes the demo's signed grant of the bank by hand.
func TestGrantSignatures(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t)
	const name = "grants/APP-2026-0003.yaml"
	signed := w.read(t, name)
	body := policy.Body(signed)
	w.becomes(t, w.bank, "200", nil)
	for _, c := range []struct {
		what, logged string
		text         []byte
	}{
		{"without its signature", "is not signed", body},
		{"with a wider scope", "was changed after signing", bytes.Replace(signed, []byte("scope: bank-kyc"), []byte("scope: registry-clerk"), 1)},
		{"with a later end", "was changed after signing", bytes.Replace(signed, []byte(`not_after: "2046`), []byte(`not_after: "2047`), 1)},
		{"with text after its signature", "are not well-formed", append(bytes.Clone(signed), "revoked: false\n"...)},
		{"signed by a stranger", "signed by no trusted key", policy.Sign(body, strangerKey(t))},
		{"cut short", "is not signed", signed[:len(body)/2]},
		{"empty", "is not signed", nil},
	} {
		replaceFile(t, w.Path(name), c.text)
		w.logged(t, "grants not accepted", "APP-2026-0003.yaml", c.logged)
		w.becomes(t, w.bank, "403 application_unknown", nil)
		if got, _, _ := w.look(t, w.social, nil); got != "200" {
			t.Errorf("another's grant, while the bank's is %s: %s", c.what, got)
		}
		replaceFile(t, w.Path(name), signed)
		w.becomes(t, w.bank, "200", nil)
	}
	// Two files of one application: which is meant can't be told.
	replaceFile(t, w.Path("grants/twin.yaml"), signed)
	w.becomes(t, w.bank, "403 application_unknown", nil)
	if err := os.Remove(w.Path("grants/twin.yaml")); err != nil {
		t.Fatal(err)
	}
	w.becomes(t, w.bank, "200", nil)
	// Without the folder there is no grant at all.
	if err := os.Rename(w.Path("grants"), w.Path("grants-away")); err != nil {
		t.Fatal(err)
	}
	for _, who := range w.Callers {
		w.becomes(t, who, "403 application_unknown", nil)
	}
	if err := os.Rename(w.Path("grants-away"), w.Path("grants")); err != nil {
		t.Fatal(err)
	}
	w.becomes(t, w.bank, "200", nil)
}

func strangerKey(t *testing.T) (key []byte) {
	t.Helper()
	return newIssuer(t, newSite(t, "127.0.0.1:1"))
}

// TestEditedCallers takes an API key away and gives another.
func TestEditedCallers(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t)
	w.becomes(t, w.social, "200", nil)
	good := w.read(t, "callers.yaml")
	start := bytes.Index(good, []byte("    api_keys:\n"))
	end := start + bytes.Index(good[start:], []byte("}\n")) + len("}\n")
	replaceFile(t, w.Path("callers.yaml"), append(bytes.Clone(good[:start]), good[end:]...))
	w.becomes(t, w.social, "401 credential_invalid", nil)
	w.becomes(t, w.bank, "200", nil)

	// A broken file keeps the one before: the key stays away, the others stay.
	replaceFile(t, w.Path("callers.yaml"), bytes.Replace(good, []byte("kind: internal"), []byte("kind: interna"), 1))
	w.logged(t, "callers file not accepted; the old one stays in force", "callers.yaml:", `did you mean \"internal\"?`)
	w.becomes(t, w.social, "401 credential_invalid", nil)
	w.becomes(t, w.bank, "200", nil)

	key, line := newAPIKey(t, w.Site, "ss1")
	rotated := append(append(bytes.Clone(good[:start]), line...), good[end:]...)
	replaceFile(t, w.Path("callers.yaml"), rotated)
	w.becomes(t, w.social, "200", http.Header{"X-Api-Key": {key}})
	w.becomes(t, w.social, "401 credential_invalid", nil) // the key before it
}
