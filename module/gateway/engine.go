package gateway

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"

	"hukougate/module/access"
	"hukougate/module/identity"
	"hukougate/module/mask"
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

func newEngine(s *rules.Snapshot, grants []access.Grant) (*engine, error) {
	d, err := policy.New(s, grants)
	if err != nil {
		return nil, err
	}
	return &engine{snapshot: s, decider: d}, nil
}

// plan returns the compiled masking plan of a decision.
func (e *engine) plan(d access.Decision) (*mask.Plan, error) {
	key := planKey{d.Route, d.Application}
	if p, ok := e.plans.Load(key); ok {
		return p.(*mask.Plan), nil
	}
	p, err := mask.Compile(e.spec(d))
	if err != nil {
		return nil, fmt.Errorf("gateway: plan of route %s: %w", d.Route, err)
	}
	e.plans.Store(key, p)
	return p, nil
}

func (e *engine) spec(d access.Decision) mask.Spec {
	route := e.snapshot.Route(d.Route)
	outcome := map[string]access.Transform{}
	for _, f := range d.Fields {
		outcome[f.Field] = f.Transform
	}
	spec := mask.Spec{Records: route.Records, Person: route.Resource.Person}
	for _, env := range route.Envelope {
		spec.Envelope = append(spec.Envelope, mask.EnvelopeMember{Path: env.At, Type: mask.EnvelopeType(env.Type), Allowed: env.Allowed})
	}
	for _, m := range e.snapshot.Members(route.Resource) {
		t, ok := outcome[m.Field]
		if !ok {
			t = access.Transform{Kind: access.Remove}
		}
		spec.Members = append(spec.Members, mask.Member{Path: m.Name, Field: m.Field, Transform: t})
		if m.Field == route.Resource.Person {
			spec.PersonPaths = append(spec.PersonPaths, m.Name)
		}
	}
	return spec
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

// fingerprint changes whenever a file in the folder, or a file itself, is
// written, replaced, added or removed.
func fingerprint(path string) string {
	info, err := os.Stat(path)
	if err != nil {
		return "missing"
	}
	if !info.IsDir() {
		return stamp(info)
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return "unreadable"
	}
	var b strings.Builder
	for _, entry := range entries {
		// Stat, not Info: it follows the links Kubernetes mounts files through.
		if info, err := os.Stat(path + string(os.PathSeparator) + entry.Name()); err == nil && !info.IsDir() {
			b.WriteString(stamp(info))
		}
	}
	return b.String()
}

func stamp(info os.FileInfo) string {
	return info.Name() + " " + strconv.FormatInt(info.Size(), 10) + " " + strconv.FormatInt(info.ModTime().UnixNano(), 10) + "\n"
}
