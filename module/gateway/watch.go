package gateway

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"strconv"
	"time"

	"go.uber.org/zap"

	"hukougate/module/identity"
	"hukougate/module/ledger"
	"hukougate/module/rules"
)

// watchInterval keeps "within a second" with room for the reload itself. Files
// are polled because a notification can be lost (network file systems, mounts
// replaced underneath), and a lost revocation releases data.
const watchInterval = 250 * time.Millisecond

func (a *App) watch(ctx context.Context) {
	// Nothing seen yet: a change between Provision and now would otherwise go unseen.
	var seenRules, lastRules, seenGrants, seenCallers string
	var rotation error
	tick := time.NewTicker(watchInterval)
	defer tick.Stop()
	for {
		if now := fingerprint(a.Grants.Dir); now != seenGrants {
			seenGrants = now
			a.reloadGrants()
		}
		if now := fingerprint(a.Callers); now != seenCallers {
			seenCallers = now
			a.reloadCallers()
		}
		a.guardStandardLog()
		rotation = a.reportRotation(rotation)
		if a.Rules.Watch {
			// A bundle is many files, written one after the other, and a half-written
			// one can be a bundle too: it is read when its folder was still for a
			// whole interval.
			now := fingerprint(a.Rules.Dir)
			if now == lastRules && now != seenRules && a.reloadRules(now) {
				seenRules = now
			}
			lastRules = now
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// reportRotation says once that a full ledger segment can't be followed by a new
// one. Records go on in the full one meanwhile.
func (a *App) reportRotation(reported error) error {
	l := a.ledger.Load()
	if l == nil {
		return reported
	}
	err := l.RotationErr()
	if err != nil && reported == nil {
		a.log.Error("the ledger can't begin a new segment; it goes on in the old one and tries again", zap.Error(err))
	}
	return err
}

// reloadCallers takes up the callers file. A typo keeps the old one, and says so
// in log and ledger, for it may keep a withdrawn credential too; a file that is
// gone withdraws them all.
func (a *App) reloadCallers() {
	err := a.loadCallers()
	switch {
	case err == nil:
		return
	case errors.Is(err, fs.ErrNotExist):
		a.callers.Store(new(identity.Directory))
		a.log.Error("the callers file is gone; nobody is known any more")
	default:
		a.logProblems("callers file not accepted; the old one stays in force", err)
	}
	a.recordEvent(&ledger.RulesEvent{Bundle: "callers", Outcome: ledger.OutcomeRefused, Errors: countProblems(err)})
}

func (a *App) reloadGrants() {
	if err := a.grants.Reload(); err != nil {
		a.logProblems("grants not accepted", err)
	}
	old := a.engine.Load()
	if old == nil {
		return
	}
	e, err := old.withGrants(a.grants.Grants())
	if err != nil {
		// A revocation may be among what can't be applied: release nothing.
		a.log.Error("grants can't be applied; the gate refuses every query", zap.Error(err))
		e = &engine{snapshot: old.snapshot}
	}
	a.engine.Store(e)
}

// reloadRules swaps in the bundle whole, or keeps the old one and says why. It
// reports false when the folder is no longer as it was seen: then what was read
// may be of two versions, and nothing is done.
func (a *App) reloadRules(seen string) bool {
	s, err := rules.Load(os.DirFS(a.Rules.Dir))
	if fingerprint(a.Rules.Dir) != seen {
		return false
	}
	if err == nil && s.Digest == a.engine.Load().snapshot.Digest {
		return true
	}
	var e *engine
	if err == nil {
		e, err = newEngine(s, a.grants.Grants())
	}
	if err == nil {
		err = a.sourcesFor(s)
	}
	if err != nil {
		a.logProblems("rules not accepted; the old ones stay in force", err)
		a.recordRules(a.engine.Load().snapshot, err)
		return true
	}
	a.engine.Store(e)
	a.log.Info("rules loaded", zap.String("rules", s.ID()))
	a.recordRules(s, nil)
	return true
}

// recordRules leaves a record of the bundle taken up, or of one refused.
func (a *App) recordRules(s *rules.Snapshot, refused error) {
	event := &ledger.RulesEvent{Bundle: s.Name, Version: strconv.Itoa(s.Version), Digest: s.Digest, Outcome: ledger.OutcomeLoaded}
	if refused != nil {
		event = &ledger.RulesEvent{Bundle: s.Name, Outcome: ledger.OutcomeRefused, Errors: countProblems(refused)}
	}
	a.recordEvent(event)
}

func (a *App) recordEvent(event *ledger.RulesEvent) {
	ctx, cancel := context.WithTimeout(context.Background(), recordTimeout)
	defer cancel()
	if _, err := a.record(ctx, ledger.Record{Kind: ledger.KindRules, RulesEvent: event}); err != nil {
		a.log.Error("a rules event could not be recorded", zap.Error(err))
	}
}
