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
	"log"
	"os"
	"path/filepath"
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

// ledgerPool keeps a ledger open across configuration reloads: the new
// configuration starts before the old one stops, and two writers of one folder
// would destroy each other's chain.
var ledgerPool = caddy.NewUsagePool()

type pooledLedger struct {
	*ledger.Ledger
	options ledger.Options
}

func (p pooledLedger) Destruct() error { return p.Close() }

func (a *App) ledgerKey() (string, error) { return filepath.Abs(a.Ledger.Dir) }

// withheld takes the place of the standard logger's output. net/http writes what
// an upstream sends out of turn to it, word for word ("Unsolicited response
// received on idle HTTP channel starting with …"): personal values, on stderr.
type withheld struct{ log *zap.Logger }

func (w withheld) Write(b []byte) (int, error) {
	w.log.Warn("a library wrote to the standard log; its text is withheld, for it may hold personal values", zap.Int("bytes", len(b)))
	return len(b), nil
}

// guardStandardLog keeps the standard logger's output ours: Caddy puts stderr
// back when a configuration with a log sink is unloaded.
func (a *App) guardStandardLog() {
	if _, ours := log.Writer().(withheld); !ours {
		log.SetOutput(withheld{a.log})
	}
}

// Start opens the ledger and begins to watch files. From then on the gate answers.
func (a *App) Start() error {
	err := a.start()
	close(a.started)
	if err != nil {
		return errors.Join(err, a.Stop())
	}
	return nil
}

// startGrace bounds how long a request waits for Start.
const startGrace = 10 * time.Second

// awaitStart holds a request that came too early: Caddy starts its apps in no
// order, and at a start or a reload the HTTP app may be there before this one.
func (a *App) awaitStart(ctx context.Context) {
	select {
	case <-a.started:
		return
	default:
	}
	timer := time.NewTimer(startGrace)
	defer timer.Stop()
	select {
	case <-a.started:
	case <-ctx.Done():
	case <-timer.C:
	}
}

func (a *App) start() error {
	key, err := a.ledgerKey()
	if err != nil {
		return fmt.Errorf("hukou: ledger: %w", err)
	}
	a.guardStandardLog()
	if err := a.openAccessLog(); err != nil {
		return fmt.Errorf("hukou: access log: %w", err)
	}
	options := ledger.Options{Gateway: a.Gateway, SegmentBytes: a.Ledger.SegmentSize, ReserveBytes: a.Ledger.Reserve}
	opened, _, err := ledgerPool.LoadOrNew(key, func() (caddy.Destructor, error) {
		l, err := ledger.Open(key, options)
		if err != nil {
			return nil, err
		}
		return pooledLedger{l, options}, nil
	})
	if err != nil {
		return fmt.Errorf("hukou: %w", err)
	}
	a.pooled = true
	pool := opened.(pooledLedger)
	if pool.options.Gateway != a.Gateway || pool.options.SegmentBytes != options.SegmentBytes || pool.options.ReserveBytes != options.ReserveBytes {
		return errors.New("hukou: the gate's name or the ledger's settings changed; that needs a restart, not a reload")
	}
	a.ledger.Store(pool.Ledger)
	a.recordRules(a.engine.Load().snapshot, nil)
	ctx, cancel := context.WithCancel(context.Background())
	a.cancel = cancel
	for _, s := range a.starters {
		if err := s.Start(ctx); err != nil {
			return fmt.Errorf("hukou: identity: %w", err)
		}
	}
	a.watching.Go(func() { a.watch(ctx) })
	a.watching.Go(func() { a.strangers.run(ctx) })
	return nil
}

// stopGrace bounds how long Stop waits for requests already on the path.
const stopGrace = 10 * time.Second

// Stop lets requests on the path finish, then gives up the ledger, which closes
// unless another configuration uses it. Caddy stops its apps in no order: a
// request that comes even later is refused by the closed ledger, or recorded in
// the one that the next configuration holds.
func (a *App) Stop() error {
	a.traffic.drain(stopGrace)
	if a.cancel != nil {
		a.cancel()
	}
	for _, s := range a.starters {
		s.Stop()
	}
	a.watching.Wait()
	a.strangers.flushAlways()
	var errs []error
	if a.pooled {
		a.pooled = false
		key, err := a.ledgerKey()
		if err == nil {
			_, err = ledgerPool.Delete(key)
		}
		errs = append(errs, err)
	}
	if a.logFile != nil {
		errs = append(errs, a.logFile.Close())
		a.logFile = nil
	}
	return errors.Join(errs...)
}

var (
	_ caddy.App         = (*App)(nil)
	_ caddy.Provisioner = (*App)(nil)
	_ caddy.Validator   = (*App)(nil)
)
