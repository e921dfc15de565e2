package identity_test

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"hukougate/module/identity"
)

func keySetJSON(t testing.TB, kids ...string) string {
	t.Helper()
	var set jose.JSONWebKeySet
	for _, kid := range kids {
		set.Keys = append(set.Keys, jose.JSONWebKey{Key: &ecKey(t).PublicKey, KeyID: kid, Use: "sig"})
	}
	text, err := json.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// holds checks which of the kids a set gives; want is nil, or the error.
func holds(t *testing.T, s identity.KeySet, kid string, want error) {
	t.Helper()
	k, err := s.Key(context.Background(), kid)
	if !errors.Is(err, want) || (want == nil && k.KeyID != kid) || (want != nil && k.Key != nil) {
		t.Errorf("kid %q: %q, %v; want %v", kid, k.KeyID, err, want)
	}
}

// clock is a clock tests move.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time { c.mu.Lock(); defer c.mu.Unlock(); return c.at }
func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// issuer serves a key set; answer is replaced by the tests.
type issuer struct {
	*httptest.Server
	hits   atomic.Int64
	mu     sync.Mutex
	answer http.HandlerFunc
}

func newIssuer(t testing.TB, tls bool) *issuer {
	t.Helper()
	i := &issuer{}
	i.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		i.hits.Add(1)
		i.mu.Lock()
		answer := i.answer
		i.mu.Unlock()
		answer(w, r)
	}))
	i.Config.ErrorLog = log.New(io.Discard, "", 0)
	if tls {
		i.StartTLS()
	} else {
		i.Start()
	}
	t.Cleanup(i.Close)
	return i
}

func (i *issuer) wantHits(t testing.TB, want int64) {
	t.Helper()
	if got := i.hits.Load(); got != want {
		t.Errorf("%d fetches, want %d", got, want)
	}
}

func (i *issuer) serve(answer http.HandlerFunc) { i.mu.Lock(); defer i.mu.Unlock(); i.answer = answer }

func (i *issuer) serveText(text string) {
	i.serve(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, text) })
}

func keyURL(t testing.TB, c identity.KeyURLConfig) *identity.KeyURL {
	t.Helper()
	k, err := identity.NewKeyURL(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Stop)
	return k
}

func TestKeyURLRotationAgeAndIntervals(t *testing.T) {
	i, c := newIssuer(t, true), &clock{at: noon}
	i.serveText(keySetJSON(t, "a"))
	roots := x509.NewCertPool()
	roots.AddCert(i.Certificate())
	k := keyURL(t, identity.KeyURLConfig{URL: i.URL, Roots: roots, Refresh: 24 * time.Hour, Now: c.now})
	holds(t, k, "a", identity.ErrUnavailable) // not started
	if i.hits.Load() != 0 {
		t.Error("fetched before Start")
	}
	if err := k.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	if err := k.Start(context.Background()); err == nil {
		t.Error("started twice")
	}
	holds(t, k, "a", nil) // waits for the first fetch
	for range 50 {
		holds(t, k, "invented", identity.ErrInvalid)
	}
	i.wantHits(t, 1) // within the minimum interval
	i.serveText(keySetJSON(t, "b"))
	holds(t, k, "b", identity.ErrInvalid)
	i.wantHits(t, 1)
	c.add(identity.DefaultKeyMinInterval)
	holds(t, k, "a", nil) // a known kid fetches nothing
	i.wantHits(t, 1)
	holds(t, k, "b", nil) // an unknown one does, and is found
	i.wantHits(t, 2)
	holds(t, k, "a", identity.ErrInvalid)
	i.wantHits(t, 2)
}

// TestKeyURLAge: the issuer fails, and the last good set is relied on until its
// age ends.
func TestKeyURLAge(t *testing.T) {
	i, c := newIssuer(t, false), &clock{at: noon}
	i.serveText(keySetJSON(t, "b"))
	k := keyURL(t, identity.KeyURLConfig{URL: i.URL, Refresh: 24 * time.Hour, Now: c.now})
	if err := k.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	holds(t, k, "b", nil)
	i.serve(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusInternalServerError) })
	c.add(identity.DefaultKeyMaxAge)
	holds(t, k, "invented", identity.ErrInvalid)
	i.wantHits(t, 2)
	if err := k.Err(); err == nil || !strings.Contains(err.Error(), "500") {
		t.Errorf("Err: %v", err)
	}
	holds(t, k, "b", nil)
	c.add(time.Second)
	holds(t, k, "b", identity.ErrUnavailable)
	i.wantHits(t, 2)
	c.add(identity.DefaultKeyMinInterval)
	holds(t, k, "b", identity.ErrUnavailable)
	i.wantHits(t, 3)
	i.serveText(keySetJSON(t, "b"))
	c.add(identity.DefaultKeyMinInterval)
	holds(t, k, "b", nil) // recovers by itself
	if err := k.Err(); err != nil {
		t.Error(err)
	}
	k.Stop()
	c.add(identity.DefaultKeyMinInterval)
	holds(t, k, "c", identity.ErrInvalid)
	i.wantHits(t, 4) // nothing is fetched after Stop
	if err := k.Err(); err != nil {
		t.Errorf("a fetch was begun after Stop: %v", err)
	}
	holds(t, k, "b", nil)
}

func TestKeyURLManyUnknownKidsShareOneFetch(t *testing.T) {
	i := newIssuer(t, false)
	arrived, release := make(chan struct{}), make(chan struct{})
	text := keySetJSON(t, "a")
	i.serve(func(w http.ResponseWriter, _ *http.Request) {
		arrived <- struct{}{}
		<-release
		_, _ = io.WriteString(w, text)
	})
	k := keyURL(t, identity.KeyURLConfig{URL: i.URL, Refresh: 24 * time.Hour})
	if err := k.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	<-arrived
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := k.Key(gone, "a"); !errors.Is(err, identity.ErrUnavailable) {
		t.Errorf("a request that went away: %v", err)
	}
	var wg sync.WaitGroup
	for n := range 32 {
		wg.Go(func() {
			if n%2 == 0 {
				holds(t, k, "a", nil)
			} else {
				holds(t, k, "invented", identity.ErrInvalid)
			}
		})
	}
	close(release)
	wg.Wait()
	if got := i.hits.Load(); got != 1 {
		t.Errorf("%d fetches", got)
	}
}

func TestKeyURLRefreshesInTheBackground(t *testing.T) {
	i := newIssuer(t, false)
	hit := make(chan struct{})
	text := keySetJSON(t, "a")
	i.serve(func(w http.ResponseWriter, r *http.Request) {
		select {
		case hit <- struct{}{}:
		case <-r.Context().Done():
		}
		_, _ = io.WriteString(w, text)
	})
	k := keyURL(t, identity.KeyURLConfig{URL: i.URL, Refresh: time.Millisecond})
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if err := k.Start(ctx); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		<-hit // nobody asks for a key
	}
}

func TestKeyURLDistrustsTheAnswer(t *testing.T) {
	elsewhere := newIssuer(t, false)
	good := keySetJSON(t, "a")
	elsewhere.serveText(good)
	for name, answer := range map[string]http.HandlerFunc{
		"redirect": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, elsewhere.URL, http.StatusFound) },
		"redirect with a set": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", elsewhere.URL)
			w.WriteHeader(http.StatusTemporaryRedirect)
			_, _ = io.WriteString(w, good)
		},
		"error with a set": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusBadGateway)
			_, _ = io.WriteString(w, good)
		},
		"too large": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, good+strings.Repeat(" ", 1<<20))
		},
		"broken off": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100000")
			_, _ = io.WriteString(w, good)
			panic(http.ErrAbortHandler)
		},
		"compressed": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = io.WriteString(w, "\x1f\x8b\x08")
		},
		"private key": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, strings.Replace(good, `"kty"`, `"d":"AQ","kty"`, 1))
		},
		"HTML": func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>") },
	} {
		t.Run(name, func(t *testing.T) {
			i := newIssuer(t, false)
			i.serve(answer)
			k := keyURL(t, identity.KeyURLConfig{URL: i.URL + "?token=confidential"})
			if err := k.Start(context.Background()); err != nil {
				t.Fatal(err)
			}
			holds(t, k, "a", identity.ErrUnavailable)
			if err := k.Err(); err == nil || strings.Contains(err.Error(), "confidential") {
				t.Errorf("Err: %v", err)
			}
		})
	}
	if elsewhere.hits.Load() != 0 {
		t.Error("a redirect was followed")
	}
}

func TestKeyURLUnknownAuthority(t *testing.T) {
	i := newIssuer(t, true)
	i.serveText(keySetJSON(t, "a"))
	k := keyURL(t, identity.KeyURLConfig{URL: i.URL + "?token=confidential"})
	if err := k.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	holds(t, k, "a", identity.ErrUnavailable)
	if err := k.Err(); err == nil || i.hits.Load() != 0 || strings.Contains(err.Error(), "confidential") {
		t.Errorf("Err: %v", err)
	}
}

func TestNewKeyURLRefuses(t *testing.T) {
	for _, u := range []string{"", "keys.json", "http://id.example/keys", "http://127.0.0.1.example/", "http://10.0.0.1/", "ftp://127.0.0.1/", "https://", "https://user:pw@id.example/", "https://id.example/#a", "https:id.example", "file:///etc/keys"} {
		if k, err := identity.NewKeyURL(identity.KeyURLConfig{URL: u}); err == nil || k != nil {
			t.Errorf("%q: accepted", u)
		}
	}
	for _, u := range []string{"https://id.example/keys", "http://127.0.0.1:1/", "http://[::1]/keys", "http://localhost/keys"} {
		if _, err := identity.NewKeyURL(identity.KeyURLConfig{URL: u}); err != nil {
			t.Errorf("%q: %v", u, err)
		}
	}
	for _, c := range []identity.KeyURLConfig{{Refresh: -1}, {MaxAge: -1}, {MinInterval: -1}} {
		c.URL = "https://id.example/keys"
		if _, err := identity.NewKeyURL(c); err == nil {
			t.Errorf("%+v: accepted", c)
		}
	}
	stopped := keyURL(t, identity.KeyURLConfig{URL: "http://127.0.0.1:1/"})
	stopped.Stop()
	if err := stopped.Start(context.Background()); err == nil {
		t.Error("started after Stop")
	}
}
