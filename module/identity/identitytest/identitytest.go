// Package identitytest is the one test suite that every identity.Authenticator
// must pass.
package identitytest

import (
	"errors"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"hukougate/module/access"
	"hukougate/module/identity"
)

// Fixture is an Authenticator with requests to try it on. Requests are made
// anew for each use.
type Fixture struct {
	Authenticator identity.Authenticator
	Directory     *identity.Directory
	Caller        string               // whom Good names
	Good          func() *http.Request // presents a credential that verifies
	Bad           []Attempt            // present one that must not be accepted
	Unavailable   []Attempt            // can't be verified for want of keys
	Secrets       []string             // must not stand in any error, beside all header values
}

// Attempt is one named request; With, when set, takes the place of the
// Fixture's Authenticator.
type Attempt struct {
	Name    string
	Request func() *http.Request
	With    identity.Authenticator
}

// Run tests the MUSTs of identity.Authenticator.
func Run(t *testing.T, f Fixture) {
	t.Helper()
	if f.Caller == "" || f.Good == nil || len(f.Bad) == 0 {
		t.Fatal("the fixture needs a caller, a good request and bad ones")
	}
	t.Run("proof is constant", func(t *testing.T) {
		if p := f.Authenticator.Proof(); p == "" || p != f.Authenticator.Proof() {
			t.Errorf("Proof is %q", p)
		}
	})
	t.Run("accepts", func(t *testing.T) { accepts(t, f) })
	t.Run("accepts concurrently", func(t *testing.T) {
		var wg sync.WaitGroup
		for range 16 {
			wg.Go(func() { accepts(t, f) })
		}
		wg.Wait()
	})
	t.Run("absent", func(t *testing.T) {
		r, err := http.NewRequest(http.MethodGet, "/", nil)
		if err != nil {
			t.Fatal(err)
		}
		if id, err := f.Authenticator.Authenticate(r, f.Directory); id != "" || !errors.Is(err, identity.ErrAbsent) {
			t.Errorf("%q, %v; want ErrAbsent", id, err)
		}
		if _, why := identity.Identify(r, f.Directory, []identity.Authenticator{f.Authenticator}); why != access.CredentialMissing {
			t.Errorf("Identify: %q", why)
		}
	})
	for _, nobody := range []*identity.Directory{nil, {}} {
		t.Run("nobody is known", func(t *testing.T) {
			refuses(t, f, Attempt{Request: f.Good}, nobody, identity.ErrInvalid, access.CredentialInvalid)
		})
	}
	for _, a := range f.Bad {
		t.Run("refuses/"+a.Name, func(t *testing.T) {
			refuses(t, f, a, f.Directory, identity.ErrInvalid, access.CredentialInvalid)
		})
	}
	for _, a := range f.Unavailable {
		t.Run("unavailable/"+a.Name, func(t *testing.T) {
			refuses(t, f, a, f.Directory, identity.ErrUnavailable, access.KeysUnavailable)
		})
	}
}

func accepts(t *testing.T, f Fixture) {
	t.Helper()
	r := f.Good()
	before := r.Header.Clone()
	if id, err := f.Authenticator.Authenticate(r, f.Directory); err != nil || id != f.Caller {
		t.Errorf("%q, %v; want %q", id, err, f.Caller)
	}
	if !reflect.DeepEqual(before, r.Header) {
		t.Error("the request's header was changed")
	}
	c, why := identity.Identify(r, f.Directory, []identity.Authenticator{f.Authenticator})
	if why != "" || c.ID != f.Caller || !slices.Equal(c.Proofs, []access.Proof{f.Authenticator.Proof()}) {
		t.Errorf("Identify: %+v, %q", c, why)
	}
}

func refuses(t *testing.T, f Fixture, a Attempt, d *identity.Directory, want error, reason access.Reason) {
	t.Helper()
	by := f.Authenticator
	if a.With != nil {
		by = a.With
	}
	r := a.Request()
	id, err := by.Authenticate(r, d)
	if id != "" || !errors.Is(err, want) {
		t.Fatalf("%q, %v; want %v", id, err, want)
	}
	for _, other := range []error{identity.ErrAbsent, identity.ErrInvalid, identity.ErrUnavailable} {
		if other != want && errors.Is(err, other) {
			t.Errorf("%v is %v too", err, other)
		}
	}
	for _, secret := range append(headerValues(r), f.Secrets...) {
		if len(secret) > 2 && strings.Contains(err.Error(), secret) {
			t.Errorf("the error shows what was presented: %v", err)
		}
	}
	if c, why := identity.Identify(r, d, []identity.Authenticator{by}); why != reason || c.ID != "" {
		t.Errorf("Identify: %+v, %q; want %q", c, why, reason)
	}
}

// headerValues gives all values and their words.
func headerValues(r *http.Request) []string {
	var all []string
	for _, values := range r.Header {
		for _, v := range values {
			all = append(all, v)
			all = append(all, strings.FieldsFunc(v, func(r rune) bool { return r == ' ' || r == '.' || r == '_' })...)
		}
	}
	return all
}
