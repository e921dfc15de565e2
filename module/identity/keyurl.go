package identity

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"
	"syscall"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// The settings of a KeyURL where its configuration names no others.
const (
	DefaultKeyRefresh     = 5 * time.Minute
	DefaultKeyMaxAge      = time.Hour
	DefaultKeyMinInterval = 30 * time.Second
)

// keyFetchDeadline bounds one fetch from dialling to the last byte.
const keyFetchDeadline = 5 * time.Second

// KeyURLConfig configures a KeyURL.
type KeyURLConfig struct {
	URL         string           // https, or http on a loopback address
	Roots       *x509.CertPool   // authorities of the server; nil: the system's
	Refresh     time.Duration    // between fetches in the background; 0: DefaultKeyRefresh
	MaxAge      time.Duration    // how long the last good set is relied on; 0: DefaultKeyMaxAge
	MinInterval time.Duration    // least time between fetches caused by unknown kids; 0: DefaultKeyMinInterval
	Now         func() time.Time // clock for ages and intervals; nil: time.Now
}

// KeyURL is a KeySet fetched over HTTP, in the background and early when a
// token names a kid not in the set. When fetches fail the last good set is
// relied on for MaxAge, then no more.
type KeyURL struct {
	config KeyURLConfig
	client *http.Client

	mu      sync.Mutex
	set     keySet
	fetched time.Time     // when set was fetched
	tried   time.Time     // when a fetch was last begun
	flight  chan struct{} // closed when the fetch under way ends; nil: none
	err     error         // of the last fetch
	ctx     context.Context
	stop    context.CancelFunc
	running sync.WaitGroup
}

// NewKeyURL makes a KeyURL. It fetches nothing before Start.
func NewKeyURL(c KeyURLConfig) (*KeyURL, error) {
	u, err := url.Parse(c.URL)
	if err != nil || u.Host == "" || u.User != nil || u.Fragment != "" {
		return nil, errors.New("identity: the key set URL must be absolute, without user and fragment")
	}
	plain := u.Scheme == "http" && loopback(u.Hostname())
	if u.Scheme != "https" && !plain {
		return nil, errors.New("identity: the key set URL must be https, or http on a loopback address")
	}
	if c.Refresh < 0 || c.MaxAge < 0 || c.MinInterval < 0 {
		return nil, errors.New("identity: the key set's times can't be negative")
	}
	c.Refresh = orDefault(c.Refresh, DefaultKeyRefresh)
	c.MaxAge = orDefault(c.MaxAge, DefaultKeyMaxAge)
	c.MinInterval = orDefault(c.MinInterval, DefaultKeyMinInterval)
	if c.Now == nil {
		c.Now = time.Now
	}
	return &KeyURL{config: c, client: keyClient(c.Roots, plain)}, nil
}

func orDefault(d, fallback time.Duration) time.Duration {
	if d == 0 {
		return fallback
	}
	return d
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || (ip != nil && ip.IsLoopback())
}

// keyClient shares nothing with other clients: no proxy from the environment,
// no redirects, no compression that could grow past the cap.
func keyClient(roots *x509.CertPool, plain bool) *http.Client {
	dialer := &net.Dialer{}
	if plain {
		// "localhost" is a name, and names can be made to point elsewhere.
		dialer.Control = func(_, address string, _ syscall.RawConn) error {
			if host, _, err := net.SplitHostPort(address); err != nil || !loopback(host) {
				return errors.New("not a loopback address")
			}
			return nil
		}
	}
	return &http.Client{
		Timeout:       keyFetchDeadline,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext:            dialer.DialContext,
			TLSClientConfig:        &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
			ForceAttemptHTTP2:      true,
			DisableCompression:     true,
			MaxIdleConns:           1,
			IdleConnTimeout:        keyFetchDeadline,
			MaxResponseHeaderBytes: 64 << 10,
		},
	}
}

// Start begins fetching, at once and then every Refresh, until Stop or the end
// of ctx. It does not wait for the first fetch: until one succeeds, Key returns
// ErrUnavailable. Starting twice is an error.
func (k *KeyURL) Start(ctx context.Context) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.ctx != nil {
		return errors.New("identity: key set started twice")
	}
	k.ctx, k.stop = context.WithCancel(ctx)
	k.begin()
	k.running.Go(k.loop)
	return nil
}

// Stop ends fetching and waits until nothing of it runs any more. The keys
// already fetched stay usable until their age ends. A KeyURL that was stopped
// can't be started again.
func (k *KeyURL) Stop() {
	k.mu.Lock()
	if k.ctx == nil {
		k.ctx, k.stop = context.WithCancel(context.Background())
	}
	k.stop()
	k.mu.Unlock()
	k.running.Wait()
	k.client.CloseIdleConnections()
}

func (k *KeyURL) loop() {
	ticker := time.NewTicker(k.config.Refresh)
	defer ticker.Stop()
	for {
		select {
		case <-k.ctx.Done():
			return
		case <-ticker.C:
			k.mu.Lock()
			k.begin()
			k.mu.Unlock()
		}
	}
}

// begin starts a fetch unless one is under way or the set was stopped. It is
// called with mu held.
func (k *KeyURL) begin() {
	if k.flight != nil || k.ctx == nil || k.ctx.Err() != nil {
		return
	}
	done := make(chan struct{})
	k.flight, k.tried = done, k.config.Now()
	k.running.Go(func() {
		set, err := k.fetch(k.ctx)
		k.mu.Lock()
		defer k.mu.Unlock()
		if k.err = err; err == nil {
			// The age counts from before the fetch: what came late is no fresher.
			k.set, k.fetched = set, k.tried
		}
		k.flight = nil
		close(done)
	})
}

func (k *KeyURL) fetch(ctx context.Context) (keySet, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, k.config.URL, nil)
	if err != nil {
		return nil, errors.New("identity: key set request can't be made")
	}
	req.Header.Set("Accept", "application/jwk-set+json, application/json")
	resp, err := k.client.Do(req)
	if err != nil {
		var wrapped *url.Error
		if errors.As(err, &wrapped) {
			err = wrapped.Err // without the URL, whose query may be confidential
		}
		return nil, fmt.Errorf("identity: key set: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("identity: key set: status %d", resp.StatusCode)
	}
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxKeySet+1))
	if err != nil {
		return nil, errors.New("identity: key set broke off")
	}
	set, err := parseKeySet(data)
	if err != nil {
		return nil, fmt.Errorf("identity: %w", err)
	}
	return set, nil
}

// Key implements KeySet. For a kid not in the set it waits for a fetch, at most
// one per MinInterval, so that tokens under a new key are accepted and invented
// kids cost the issuer nothing.
func (k *KeyURL) Key(ctx context.Context, kid string) (jose.JSONWebKey, error) {
	key, flight, err := k.look(kid, true)
	if flight == nil {
		return key, err
	}
	select {
	case <-flight:
	case <-ctx.Done():
		return jose.JSONWebKey{}, fmt.Errorf("%w: %w", ErrUnavailable, ctx.Err())
	}
	key, _, err = k.look(kid, false)
	return key, err
}

// look finds a key in the set held. With mayFetch, it also returns the fetch to
// wait for when the set has not got the kid or is too old.
func (k *KeyURL) look(kid string, mayFetch bool) (jose.JSONWebKey, <-chan struct{}, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := k.config.Now()
	key, err := k.held(kid, now)
	if err == nil || !mayFetch {
		return key, nil, err
	}
	if k.flight == nil && now.Sub(k.tried) >= k.config.MinInterval {
		k.begin()
	}
	if k.flight == nil {
		return key, nil, err
	}
	return key, k.flight, err
}

func (k *KeyURL) held(kid string, now time.Time) (jose.JSONWebKey, error) {
	if k.set == nil || now.Sub(k.fetched) > k.config.MaxAge {
		return jose.JSONWebKey{}, fmt.Errorf("%w: no key set of the last %s", ErrUnavailable, k.config.MaxAge)
	}
	return k.set.find(kid)
}

// Err tells what went wrong with the last fetch; nil when it succeeded or none
// has ended yet.
func (k *KeyURL) Err() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.err
}

var _ KeySet = (*KeyURL)(nil)
