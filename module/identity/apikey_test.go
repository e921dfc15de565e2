package identity_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"hukougate/module/access"
	"hukougate/module/identity"
	"hukougate/module/identity/identitytest"
	"hukougate/module/keys"
)

func newKey(t testing.TB, id string, p keys.Key) (key, hash string) {
	t.Helper()
	key, hash, err := identity.NewAPIKey(id, p)
	if err != nil {
		t.Fatal(err)
	}
	return key, hash
}

func apiKeys(t testing.TB, r keys.Ring) *identity.APIKeyAuthenticator {
	t.Helper()
	a, err := identity.NewAPIKeyAuthenticator(r, "")
	if err != nil {
		t.Fatal(err)
	}
	return a
}

const apiKeyDirectory = `callers:
  - id: social-security
    unit: 示例市人力资源和社会保障局
    kind: internal
    api_keys:
      - {id: ss1, pepper: 1, hash: %s}
      - {id: old, pepper: 7, hash: %s}
  - id: bank
    unit: 示例银行
    kind: external
    api_keys:
      - {id: ss, pepper: 1, hash: %s}
      - {id: wrong, pepper: 2, hash: %s}
`

// TestAPIKeyG8 covers row G8: key in the URL, in another header, prefix
// collision, reuse after rotation, and everything next to a right key.
func TestAPIKeyG8(t *testing.T) {
	p1, p2 := pepper(t, 1), pepper(t, 2)
	key, hash := newKey(t, "ss1", p1)
	prefix, prefixHash := newKey(t, "ss", p1)
	rotated, _ := newKey(t, "ss1", p1) // an earlier key of the same id
	retired, retiredHash := newKey(t, "old", pepper(t, 7))
	unlisted, _ := newKey(t, "nobody", p2)
	otherPepper, otherHash := newKey(t, "wrong", p1)
	d := mustLoad(t, fmt.Sprintf(apiKeyDirectory, hash, retiredHash, prefixHash, otherHash))
	held := ring{peppers: []keys.Key{p1, p2}}
	broken := apiKeys(t, ring{broken: errBroken})
	with := func(values ...string) func() *http.Request {
		return func() *http.Request {
			r := request()
			for _, v := range values {
				r.Header.Add("X-Api-Key", v)
			}
			return r
		}
	}
	secret := key[len("hk_ss1_"):]
	identitytest.Run(t, identitytest.Fixture{
		Authenticator: apiKeys(t, held),
		Directory:     d,
		Caller:        "social-security",
		Good:          with(key),
		Secrets:       []string{secret},
		Bad: []identitytest.Attempt{
			{Name: "empty", Request: with("")},
			{Name: "twice", Request: with(key, key)},
			{Name: "two keys in one value", Request: with(key + ", " + key)},
			{Name: "space around", Request: with(" " + key)},
			{Name: "line break after", Request: with(key + "\n")},
			{Name: "upper case", Request: with(strings.ToUpper(key))},
			{Name: "secret cut short", Request: with(key[:len(key)-1])},
			{Name: "secret lengthened", Request: with(key + "a")},
			{Name: "secret alone", Request: with(secret)},
			{Name: "hash as secret", Request: with("hk_ss1_" + hash)},
			{Name: "stored hash", Request: with(hash)},
			{Name: "last character changed", Request: with(key[:len(key)-1] + string('a'+(key[len(key)-1]-'a'+1)%26))},
			{Name: "secret of another id", Request: with("hk_ss_" + secret)},
			{Name: "prefix id with moved bytes", Request: with("hk_ss_1" + secret)},
			{Name: "other id's secret", Request: with("hk_ss1_" + prefix[len("hk_ss_"):])},
			{Name: "before rotation", Request: with(rotated)},
			{Name: "id not known", Request: with(unlisted)},
			{Name: "pepper version retired", Request: with(retired)},
			{Name: "hashed under another pepper", Request: with(otherPepper)},
			{Name: "ring empty, id not known", Request: with(unlisted), With: apiKeys(t, ring{})},
		},
		Unavailable: []identitytest.Attempt{
			{Name: "ring broken", Request: with(key), With: broken},
			{Name: "ring broken, id not known", Request: with(unlisted), With: broken},
			{Name: "ring gives the zero key", Request: with(key), With: apiKeys(t, zeroRing{})},
		},
	})
}

// TestAPIKeyElsewhereG8: a key anywhere but in its header is not looked at.
func TestAPIKeyElsewhereG8(t *testing.T) {
	p := pepper(t, 1)
	key, hash := newKey(t, "ss1", p)
	held := ring{peppers: []keys.Key{p}}
	d := mustLoad(t, caller("  api_keys: [{id: ss1, pepper: 1, hash: "+hash+"}]"))
	for name, r := range map[string]*http.Request{
		"key in another header":     request("X-Key", key),
		"key in underscore variant": {Header: http.Header{"X_api_key": {key}}},
		"key in a cookie":           request("Cookie", "X-Api-Key="+key),
	} {
		if _, err := apiKeys(t, held).Authenticate(r, d); !errors.Is(err, identity.ErrAbsent) {
			t.Errorf("%s: %v", name, err)
		}
	}
	inURL := request()
	inURL.URL.RawQuery = "X-Api-Key=" + key + "&api_key=" + key
	if _, why := identity.Identify(inURL, d, []identity.Authenticator{apiKeys(t, held)}); why != access.CredentialMissing {
		t.Errorf("key in the URL: %q", why)
	}
	inAuthorization := request("Authorization", "Bearer "+key)
	if _, why := identity.Identify(inAuthorization, d, []identity.Authenticator{apiKeys(t, held)}); why != access.CredentialInvalid {
		t.Errorf("key in Authorization: %q", why)
	}
}

type zeroRing struct{ ring }

func (zeroRing) Version(_ context.Context, _ keys.Name, _ int) (keys.Key, error) {
	return keys.Key{}, nil
}

func TestAPIKeyPepperRotation(t *testing.T) {
	p1, p2 := pepper(t, 1), pepper(t, 2)
	older, olderHash := newKey(t, "k1", p1)
	newer, newerHash := newKey(t, "k2", p2)
	d := mustLoad(t, fmt.Sprintf("callers:\n- {id: clerk, unit: 派出所, kind: internal, api_keys: [{id: k1, pepper: 1, hash: %q}, {id: k2, pepper: 2, hash: %q}]}", olderHash, newerHash))
	a := apiKeys(t, ring{peppers: []keys.Key{p1, p2}})
	for _, key := range []string{older, newer} {
		if id, err := a.Authenticate(request("X-Api-Key", key), d); err != nil || id != "clerk" {
			t.Errorf("%q, %v", id, err)
		}
	}
}

func TestNewAPIKey(t *testing.T) {
	p := pepper(t, 1)
	key, hash := newKey(t, "ss1", p)
	if !regexp.MustCompile(`^hk_ss1_[a-z2-7]{32}$`).MatchString(key) || !regexp.MustCompile(`^[0-9a-f]{64}$`).MatchString(hash) {
		t.Errorf("shape of key (%d characters) or hash %q", len(key), hash)
	}
	if again, _ := newKey(t, "ss1", p); again == key {
		t.Error("two keys are the same")
	}
	wrong, err := keys.New(keys.PersonPseudonym, 1, make([]byte, keys.Size))
	if err != nil {
		t.Fatal(err)
	}
	for name, try := range map[string]struct {
		id  string
		key keys.Key
	}{
		"empty id":       {"", p},
		"underscore":     {"a_b", p},
		"upper case":     {"SS1", p},
		"long id":        {strings.Repeat("a", 33), p},
		"another pepper": {"ss1", wrong},
		"zero pepper":    {"ss1", keys.Key{}},
	} {
		if key, hash, err := identity.NewAPIKey(try.id, try.key); err == nil || key != "" || hash != "" {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestNewAPIKeyAuthenticatorRefuses(t *testing.T) {
	if _, err := identity.NewAPIKeyAuthenticator(nil, ""); err == nil {
		t.Error("no ring: accepted")
	}
	for _, header := range []string{"authorization", "Cookie", "X Api", "X_Api_Key", "host", "x-hukou-application", "é", "a:b"} {
		if _, err := identity.NewAPIKeyAuthenticator(ring{}, header); err == nil {
			t.Errorf("header %q: accepted", header)
		}
	}
	a, err := identity.NewAPIKeyAuthenticator(ring{}, "x-partner-key")
	if err != nil || a.ReadsHeader() != "X-Partner-Key" {
		t.Errorf("own header: %v, %v", a, err)
	}
	if _, err := (&identity.APIKeyAuthenticator{}).Authenticate(request("", "hk_a_"+strings.Repeat("a", 32)), nil); err == nil {
		t.Error("the zero authenticator accepted")
	}
}
