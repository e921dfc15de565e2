package identity_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"testing"

	"hukougate/module/access"
	"hukougate/module/identity"
)

// fake answers as told and reads a header when one is named.
type fake struct {
	id     string
	err    error
	proof  access.Proof
	header string
}

func (f fake) Authenticate(*http.Request, *identity.Directory) (string, error) { return f.id, f.err }
func (f fake) Proof() access.Proof                                             { return f.proof }
func (f fake) ReadsHeader() string                                             { return f.header }

// TestIdentifyG9 covers row G9: credentials of different callers, and a bad one
// beside good ones.
func TestIdentifyG9(t *testing.T) {
	d := mustLoad(t, `callers:
- {id: clerk, unit: 派出所, kind: internal, default_application: APP-2026-0001}
- {id: bank, unit: 示例银行, kind: external}
`)
	key := func(id string) fake { return fake{id: id, proof: access.ProofAPIKey, header: "X-Api-Key"} }
	cert := func(id string) fake { return fake{id: id, proof: access.ProofClientCertificate} }
	token := func(id string) fake { return fake{id: id, proof: access.ProofJWT, header: "authorization"} }
	failing := func(err error) fake { return fake{err: err, proof: access.ProofJWT, header: "Authorization"} }
	invalid := failing(fmt.Errorf("%w: bad", identity.ErrInvalid))
	absent := failing(fmt.Errorf("%w: none", identity.ErrAbsent))
	sealed := failing(fmt.Errorf("%w: sealed", identity.ErrUnavailable))
	plain, bearer := request(), request("Authorization", "Bearer x")
	empty := request("Authorization", "")
	for name, c := range map[string]struct {
		r    *http.Request
		as   []identity.Authenticator
		id   string
		why  access.Reason
		from []access.Proof
	}{
		"nothing configured":                {plain, nil, "", access.CredentialMissing, nil},
		"nothing presented":                 {plain, list(absent, absent), "", access.CredentialMissing, nil},
		"one":                               {plain, list(key("clerk"), absent), "clerk", "", proofs(access.ProofAPIKey)},
		"three agree":                       {bearer, list(cert("bank"), token("bank"), key("bank")), "bank", "", proofs(access.ProofClientCertificate, access.ProofJWT, access.ProofAPIKey)},
		"same proof twice":                  {plain, list(key("bank"), key("bank")), "bank", "", proofs(access.ProofAPIKey)},
		"certificate of A and key of B":     {plain, list(cert("clerk"), key("bank")), "", access.CredentialConflict, nil},
		"token of C last":                   {bearer, list(cert("bank"), key("bank"), token("clerk")), "", access.CredentialConflict, nil},
		"A, B, then A again":                {plain, list(cert("clerk"), key("bank"), cert("clerk")), "", access.CredentialConflict, nil},
		"bad after good":                    {bearer, list(key("clerk"), invalid), "", access.CredentialInvalid, nil},
		"bad before good":                   {bearer, list(invalid, key("clerk")), "", access.CredentialInvalid, nil},
		"bad beside conflict":               {bearer, list(key("clerk"), cert("bank"), invalid), "", access.CredentialInvalid, nil},
		"bad beside sealed":                 {bearer, list(sealed, invalid), "", access.CredentialInvalid, nil},
		"sealed beside good":                {bearer, list(key("clerk"), sealed), "", access.KeysUnavailable, nil},
		"untyped error":                     {plain, list(key("clerk"), failing(errors.New("odd"))), "", access.CredentialInvalid, nil},
		"no id and no error":                {plain, list(key("clerk"), fake{proof: access.ProofJWT}), "", access.CredentialInvalid, nil},
		"nil authenticator":                 {plain, list(key("clerk"), nil), "", access.CredentialInvalid, nil},
		"somebody unknown":                  {plain, list(key("mallory")), "", access.CredentialInvalid, nil},
		"Authorization nobody reads":        {bearer, list(key("clerk")), "", access.CredentialInvalid, nil},
		"empty Authorization nobody reads":  {empty, list(key("clerk")), "", access.CredentialInvalid, nil},
		"Authorization, nothing configured": {bearer, nil, "", access.CredentialInvalid, nil},
		"Authorization its reader ignores":  {bearer, list(key("clerk"), absent), "", access.CredentialInvalid, nil},
		"Authorization taken":               {bearer, list(token("clerk")), "clerk", "", proofs(access.ProofJWT)},
	} {
		t.Run(name, func(t *testing.T) {
			got, why := identity.Identify(c.r, d, c.as)
			if got.ID != c.id || why != c.why || !slices.Equal(got.Proofs, c.from) {
				t.Errorf("%+v, %q; want %q by %v, %q", got, why, c.id, c.from, c.why)
			}
			if why == "" {
				if err := new(access.Exchange).Identify(got); err != nil {
					t.Errorf("the caller is no whole fact: %v", err)
				}
			}
		})
	}
}

func list(as ...identity.Authenticator) []identity.Authenticator { return as }
func proofs(ps ...access.Proof) []access.Proof                   { return ps }

func TestIdentifyDoesNotTouchTheDirectory(t *testing.T) {
	d := mustLoad(t, "callers:\n- {id: clerk, unit: 派出所, kind: internal, default_application: APP-2026-0001}\n")
	got, why := identity.Identify(request(), d, list(fake{id: "clerk", proof: access.ProofJWT}))
	if why != "" || got.Unit != "派出所" || got.Kind != access.Internal || got.DefaultApplication != "APP-2026-0001" {
		t.Errorf("%+v, %q", got, why)
	}
	if known, ok := d.Caller("clerk"); !ok || known.Proofs != nil {
		t.Errorf("the directory now holds proofs: %+v", known)
	}
	d.Callers()[0].ID = "mallory"
	if _, ok := d.Caller("mallory"); ok || d.Callers()[0].ID != "clerk" {
		t.Error("a caller was changed through Callers")
	}
}
