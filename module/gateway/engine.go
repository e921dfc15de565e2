package gateway

import (
	"fmt"
	"os"
	"sync"

	"hukougate/module/access"
	"hukougate/module/identity"
	"hukougate/module/mask"
	"hukougate/module/plan"
	"hukougate/module/policy"
	"hukougate/module/quota"
	"hukougate/module/rules"
)

// engine is one version of rules and grants, with what was compiled from them.
// A request takes one engine at its start and uses nothing else, so that rules,
// masks and limits are of one version. It is replaced whole, never changed.
type engine struct {
	snapshot *rules.Snapshot
	decider  *policy.Decider
	plans    sync.Map // planKey → *mask.Plan
}

type planKey struct {
	route, application string
}

// newEngine refuses a bundle with a route whose answers could not be masked:
// found at the first query, it would be too late.
func newEngine(s *rules.Snapshot, grants []access.Grant) (*engine, error) {
	if err := plan.Check(s); err != nil {
		return nil, err
	}
	return (&engine{snapshot: s}).withGrants(grants)
}

// withGrants makes the engine of the same rules and other grants. The rules were
// checked when they were loaded.
func (e *engine) withGrants(grants []access.Grant) (*engine, error) {
	d, err := policy.New(e.snapshot, grants)
	if err != nil {
		return nil, err
	}
	return &engine{snapshot: e.snapshot, decider: d}, nil
}

// plan returns the compiled masking plan of a decision.
func (e *engine) plan(d access.Decision) (*mask.Plan, error) {
	key := planKey{d.Route, d.Application}
	if p, ok := e.plans.Load(key); ok {
		return p.(*mask.Plan), nil
	}
	p, err := plan.Compile(e.snapshot, e.snapshot.Route(d.Route), d.Fields)
	if err != nil {
		return nil, err
	}
	e.plans.Store(key, p)
	return p, nil
}

// limits are the role's, and beside them the grant's own budgets.
func (e *engine) limits(d access.Decision) quota.Limits {
	limit := e.snapshot.Role(d.Role).Limit
	return quota.Limits{
		RequestsPerMinute: limit.RequestsPerMinute, Burst: limit.Burst, PersonsPerDay: limit.PersonsPerDay, Zone: e.snapshot.Zone,
		Grant: d.Application, GrantBudget: d.Budget,
	}
}

func (a *App) loadRules() error {
	s, err := rules.Load(os.DirFS(a.Rules.Dir))
	if err != nil {
		return fmt.Errorf("hukou: rules in %s are not accepted:\n%w", a.Rules.Dir, err)
	}
	e, err := newEngine(s, a.grants.Grants())
	if err != nil {
		return fmt.Errorf("hukou: rules in %s are not accepted: %w", a.Rules.Dir, err)
	}
	a.engine.Store(e)
	return nil
}

func (a *App) openGrants() error {
	pem, err := os.ReadFile(a.Grants.Trust)
	if err != nil {
		return fmt.Errorf("grants: %w", err)
	}
	trusted, err := policy.ParsePublicKeys(pem)
	if err != nil {
		return fmt.Errorf("grants: %s: %w", a.Grants.Trust, err)
	}
	if a.grants, err = policy.OpenFolder(a.Grants.Dir, trusted); err != nil {
		return err
	}
	if err := a.grants.Reload(); err != nil {
		// One bad grant takes itself away, not the gate.
		a.logProblems("grants not accepted", err)
	}
	return nil
}

func (a *App) loadCallers() error {
	data, err := os.ReadFile(a.Callers)
	if err != nil {
		return fmt.Errorf("callers: %w", err)
	}
	d, err := identity.LoadDirectory(a.Callers, data)
	if err != nil {
		return err
	}
	a.callers.Store(d)
	return nil
}
