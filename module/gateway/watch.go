package gateway

import (
	"context"
	"os"
	"strconv"
	"time"

	"go.uber.org/zap"

	"hukougate/module/ledger"
	"hukougate/module/rules"
)

// watchInterval keeps "within a second" with room for the reload itself. Files
// are polled because a notification can be lost (network file systems, mounts
// replaced underneath), and a lost revocation releases data.
const watchInterval = 250 * time.Millisecond

func (a *App) watch(ctx context.Context) {
	seenRules, seenGrants, seenCallers := fingerprint(a.Rules.Dir), fingerprint(a.Grants.Dir), fingerprint(a.Callers)
	// A change between Provision and now would otherwise go unseen.
	a.reloadGrants()
	tick := time.NewTicker(watchInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if now := fingerprint(a.Grants.Dir); now != seenGrants {
			seenGrants = now
			a.reloadGrants()
		}
		if now := fingerprint(a.Callers); now != seenCallers {
			seenCallers = now
			if err := a.loadCallers(); err != nil {
				a.logProblems("callers file not accepted; the old one stays in force", err)
			}
		}
		if now := fingerprint(a.Rules.Dir); a.Rules.Watch && now != seenRules {
			seenRules = now
			a.reloadRules()
		}
	}
}

func (a *App) reloadGrants() {
	if err := a.grants.Reload(); err != nil {
		a.logProblems("grants not accepted", err)
	}
	old := a.engine.Load()
	if old == nil {
		return
	}
	e, err := newEngine(old.snapshot, a.grants.Grants())
	if err != nil {
		// A revocation may be among what can't be applied: release nothing.
		a.log.Error("grants can't be applied; the gate refuses every query", zap.Error(err))
		e = &engine{snapshot: old.snapshot}
	}
	a.engine.Store(e)
}

// reloadRules swaps in the bundle whole, or keeps the old one and says why.
func (a *App) reloadRules() {
	s, err := rules.Load(os.DirFS(a.Rules.Dir))
	if err == nil && s.Digest == a.engine.Load().snapshot.Digest {
		return
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
		return
	}
	a.engine.Store(e)
	a.log.Info("rules loaded", zap.String("rules", s.ID()))
	a.recordRules(s, nil)
}

// recordRules leaves a record of the bundle taken up, or of one refused.
func (a *App) recordRules(s *rules.Snapshot, refused error) {
	event := &ledger.RulesEvent{Bundle: s.Name, Version: strconv.Itoa(s.Version), Digest: s.Digest, Outcome: ledger.OutcomeLoaded}
	if refused != nil {
		event = &ledger.RulesEvent{Bundle: s.Name, Outcome: ledger.OutcomeRefused, Errors: countProblems(refused)}
	}
	ctx, cancel := context.WithTimeout(context.Background(), recordTimeout)
	defer cancel()
	if _, err := a.record(ctx, ledger.Record{Kind: ledger.KindRules, RulesEvent: event}); err != nil {
		a.log.Error("the rules event could not be recorded", zap.Error(err))
	}
}
