// Package gateway turns the engines into a Caddy app and handler: the App
// `hukou` (Caddyfile: global option block) holds rules, grants, callers, keys,
// budgets, ledger and sources; the handler `http.handlers.hukou_gate`
// (Caddyfile directive `hukou_gate`) walks the path
// identify → authorize → limit → forward → mask → record.
//
// Importing the package into any Caddy build registers both.
package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"
	"github.com/caddyserver/caddy/v2/modules/logging"
	"github.com/sirupsen/logrus"
	"go.uber.org/zap"

	"hukougate/module/access"
	"hukougate/module/identity"
	"hukougate/module/keys"
	"hukougate/module/ledger"
	"hukougate/module/policy"
	"hukougate/module/quota"
	"hukougate/module/rules"
)

func init() { caddy.RegisterModule(new(App)) }

// App is one gate: everything that must be in place before a query may pass.
// Its zero value refuses to start.
type App struct {
	// Gateway names this instance in every record.
	Gateway string `json:"gateway,omitempty"`
	// Rules is the folder of the rules bundle.
	Rules *RulesConfig `json:"rules,omitempty"`
	// Grants is the folder of the signed grants.
	Grants *GrantsConfig `json:"grants,omitempty"`
	// Callers is the file that says which credential belongs to whom.
	Callers string `json:"callers,omitempty"`
	// Ledger is where accesses are recorded before anything is released.
	Ledger *LedgerConfig `json:"ledger,omitempty"`
	// AccessLog is the file of the human-readable access log; empty: stderr.
	AccessLog string `json:"access_log,omitempty"`

	KeysRaw     json.RawMessage            `json:"keys,omitempty" caddy:"namespace=hukou.keys inline_key=provider"`
	QuotaRaw    json.RawMessage            `json:"quota,omitempty" caddy:"namespace=hukou.quota inline_key=store"`
	IdentityRaw []json.RawMessage          `json:"identity,omitempty" caddy:"namespace=hukou.identity inline_key=method"`
	SourcesRaw  map[string]json.RawMessage `json:"sources,omitempty" caddy:"namespace=http.handlers inline_key=handler"`

	ring     keys.Ring
	limiter  *quota.Limiter
	identity []identity.Authenticator
	starters []starter

	challenges []string // WWW-Authenticate of a 401 (RFC 9110 §11.6.1)
	sources    map[string]caddyhttp.MiddlewareHandler
	log        *zap.Logger
	access     *logrus.Logger
	logFile    io.Closer

	accessWriter logging.FileWriter

	grants  *policy.Folder
	callers atomic.Pointer[identity.Directory]
	engine  atomic.Pointer[engine]
	ledger  atomic.Pointer[ledger.Ledger]

	strangers *strangers
	traffic   traffic
	started   chan struct{} // closed when Start has done what it can
	pooled    bool          // holds a use of the ledger pool
	cancel    context.CancelFunc
	watching  sync.WaitGroup
}

// RulesConfig says where the rules bundle is.
type RulesConfig struct {
	Dir string `json:"dir,omitempty"`
	// Watch reloads the bundle when a file changes. It is meant for writing
	// rules; production loads a bundle with the configuration.
	Watch bool `json:"watch,omitempty"`
}

// GrantsConfig says where the grants are and whose signatures count. The
// folder is always watched, so that a revocation takes effect within a second.
type GrantsConfig struct {
	Dir   string `json:"dir,omitempty"`
	Trust string `json:"trust,omitempty"` // PEM file of Ed25519 public keys
}

// LedgerConfig says where the ledger is. Sizes are bytes; 0: the default.
type LedgerConfig struct {
	Dir         string `json:"dir,omitempty"`
	SegmentSize int64  `json:"segment_size,omitempty"`
	Reserve     int64  `json:"reserve,omitempty"`
}

// KeyProvider is the guest interface of the namespace hukou.keys.
type KeyProvider interface {
	// Ring returns the keys. It MUST return an error rather than a ring that
	// lacks one of keys.Needed.
	Ring() (keys.Ring, error)
}

// QuotaProvider is the guest interface of the namespace hukou.quota.
type QuotaProvider interface {
	// Store returns the budgets' store, which MUST outlive a configuration reload.
	Store() (quota.Store, error)
}

// IdentityProvider is the guest interface of the namespace hukou.identity.
type IdentityProvider interface {
	// Authenticator returns the verifier of one kind of credential.
	Authenticator(keys.Ring) (identity.Authenticator, error)
}

// starter is a guest that works in the background while the gate runs.
type starter interface {
	Start(context.Context) error
	Stop()
}

// CaddyModule returns the Caddy module information.
func (*App) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "hukou", New: func() caddy.Module { return new(App) }}
}

// Provision reads what the configuration names. It dials nothing and opens
// nothing for writing.
func (a *App) Provision(ctx caddy.Context) error {
	a.log = ctx.Logger()
	a.strangers = newStrangers(a.record, time.Now)
	a.started = make(chan struct{})
	if err := a.complete(); err != nil {
		return err
	}
	a.accessWriter.Filename = a.AccessLog
	if err := a.accessWriter.Provision(ctx); err != nil {
		return fmt.Errorf("hukou: access log: %w", err)
	}
	if err := a.loadGuests(ctx); err != nil {
		return err
	}
	if err := a.loadCallers(); err != nil {
		return fmt.Errorf("hukou: %w", err)
	}
	if err := a.openGrants(); err != nil {
		return fmt.Errorf("hukou: %w", err)
	}
	return a.loadRules()
}

// complete refuses a configuration that leaves out what the gate can't do without.
func (a *App) complete() error {
	for _, need := range []struct {
		ok   bool
		what string
	}{
		{a.Rules != nil && a.Rules.Dir != "", "rules DIR: the folder of the rules bundle"},
		{a.Grants != nil && a.Grants.Dir != "" && a.Grants.Trust != "", "grants DIR { trust FILE }: the signed grants and the keys that may sign them"},
		{a.Callers != "", "callers FILE: which credential belongs to whom"},
		{a.Ledger != nil && a.Ledger.Dir != "", "ledger DIR: where accesses are recorded"},
		{len(a.KeysRaw) > 0, "keys file PATH: where the keys are"},
		{len(a.QuotaRaw) > 0, "quota memory: where budgets are counted"},
		{len(a.IdentityRaw) > 0, "identity api_key | client_certificate | jwt: how callers prove who they are"},
		{len(a.SourcesRaw) > 0, "source NAME { reverse_proxy … }: the data source behind the gate"},
	} {
		if !need.ok {
			return fmt.Errorf("hukou: the configuration lacks %q", need.what)
		}
	}
	if a.Gateway == "" {
		host, err := os.Hostname()
		if err != nil || host == "" {
			return errors.New("hukou: this host has no name; give the gate one with: gateway NAME")
		}
		a.Gateway = host
	}
	return nil
}

func (a *App) loadGuests(ctx caddy.Context) error {
	guest, err := ctx.LoadModule(a, "KeysRaw")
	if err != nil {
		return fmt.Errorf("hukou: keys: %w", err)
	}
	if a.ring, err = guest.(KeyProvider).Ring(); err != nil {
		return fmt.Errorf("hukou: %w", err)
	}
	if guest, err = ctx.LoadModule(a, "QuotaRaw"); err != nil {
		return fmt.Errorf("hukou: quota: %w", err)
	}
	store, err := guest.(QuotaProvider).Store()
	if err != nil {
		return fmt.Errorf("hukou: %w", err)
	}
	a.limiter = quota.NewLimiter(store, nil)
	if guest, err = ctx.LoadModule(a, "IdentityRaw"); err != nil {
		return fmt.Errorf("hukou: identity: %w", err)
	}
	for _, g := range guest.([]any) {
		auth, err := g.(IdentityProvider).Authenticator(a.ring)
		if err != nil {
			return fmt.Errorf("hukou: %w", err)
		}
		a.identity = append(a.identity, auth)
		switch auth.Proof() {
		case access.ProofJWT:
			a.challenges = append(a.challenges, `Bearer realm="hukou"`)
		case access.ProofAPIKey:
			a.challenges = append(a.challenges, `ApiKey realm="hukou"`)
		}
		if s, ok := g.(starter); ok {
			a.starters = append(a.starters, s)
		}
	}
	if guest, err = ctx.LoadModule(a, "SourcesRaw"); err != nil {
		return fmt.Errorf("hukou: source: %w", err)
	}
	a.sources = map[string]caddyhttp.MiddlewareHandler{}
	for name, g := range guest.(map[string]any) {
		proxy, ok := g.(*reverseproxy.Handler)
		if !ok {
			return fmt.Errorf("hukou: source %s: only reverse_proxy can be a source", name)
		}
		if lb := proxy.LoadBalancing; lb != nil && (lb.Retries > 0 || lb.TryDuration > 0) {
			return fmt.Errorf("hukou: source %s: retries would ask the source more often than is recorded; remove lb_retries and lb_try_duration", name)
		}
		if len(proxy.HandleResponse) > 0 || proxy.Rewrite != nil {
			return fmt.Errorf("hukou: source %s: handle_response and rewrite would change what the rules declare; remove them", name)
		}
		proxy.Transport = quiet{proxy.Transport}
		a.sources[name] = proxy
	}
	return nil
}

// Validate checks the parts against each other.
func (a *App) Validate() error { return a.sourcesFor(a.engine.Load().snapshot) }

// sourcesFor checks that every resource of a bundle has its source.
func (a *App) sourcesFor(s *rules.Snapshot) error {
	for _, r := range s.Resources {
		if a.sources[r.Source] == nil {
			return fmt.Errorf("hukou: resource %q of the rules needs a source named %q; add: source %s { reverse_proxy … }", r.ID, r.Source, r.Source)
		}
	}
	return nil
}

var (
	_ caddy.App         = (*App)(nil)
	_ caddy.Provisioner = (*App)(nil)
	_ caddy.Validator   = (*App)(nil)
)
