package gateway

import (
	"context"
	"errors"
	"fmt"
	"log"
	"path/filepath"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"hukougate/module/ledger"
)

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
