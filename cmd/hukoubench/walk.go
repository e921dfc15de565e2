package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"

	"hukougate/module/access"
	"hukougate/module/demo"
	"hukougate/module/identity"
	"hukougate/module/keys"
	"hukougate/module/mask"
	"hukougate/module/plan"
	"hukougate/module/policy"
	"hukougate/module/quota"
	"hukougate/module/rules"
)

// walk holds what the steps of one question need. It does with the engines what
// module/gateway does with them, without Caddy around it.
type walk struct {
	request   *http.Request
	directory *identity.Directory
	proofs    []identity.Authenticator
	rules     *rules.Snapshot
	route     *rules.Route
	decider   *policy.Decider
	ring      keys.Ring
	limiter   *quota.Limiter
	limits    quota.Limits
	plan      *mask.Plan
	maskKeys  mask.Keys

	person   string // the number asked for; "": none
	source   []byte
	caller   access.Caller
	decision access.Decision
	asked    []string // its pseudonym
	masking  access.Masking
}

// newWalk reads a gate's site and walks the path once.
func newWalk(site *demo.Site, q question) (*walk, error) {
	w := &walk{source: q.source()}
	if q.person {
		w.person = register().Specimen().GMSFHM
	}
	for _, step := range []func(*demo.Site, question) error{w.loadCaller, w.loadPolicy, w.loadPlan} {
		if err := step(site, q); err != nil {
			return nil, err
		}
	}
	return w, nil
}

func (w *walk) loadCaller(site *demo.Site, q question) error {
	ring, err := keys.OpenFile(site.Path("keys.json"))
	if err != nil {
		return err
	}
	w.ring = ring
	raw, err := os.ReadFile(site.Path("callers.yaml"))
	if err != nil {
		return err
	}
	if w.directory, err = identity.LoadDirectory("callers.yaml", raw); err != nil {
		return err
	}
	byKey, err := identity.NewAPIKeyAuthenticator(ring, "")
	if err != nil {
		return err
	}
	w.proofs = []identity.Authenticator{byKey}
	if w.request, err = http.NewRequest(q.method, site.URL(q.path), nil); err != nil {
		return err
	}
	w.request.Header = site.Callers[q.caller].Header.Clone()
	return w.identify(context.Background())
}

func (w *walk) loadPolicy(site *demo.Site, q question) (err error) {
	if w.rules, err = rules.Load(os.DirFS(site.Path("rules"))); err != nil {
		return err
	}
	trust, err := os.ReadFile(site.Path("trust.pub"))
	if err != nil {
		return err
	}
	trusted, err := policy.ParsePublicKeys(trust)
	if err != nil {
		return err
	}
	grants, err := policy.OpenFolder(site.Path("grants"), trusted)
	if err != nil {
		return err
	}
	if err := grants.Reload(); err != nil {
		return err
	}
	if w.decider, err = policy.New(w.rules, grants.Grants()); err != nil {
		return err
	}
	if w.route = w.rules.Route(q.route); w.route == nil {
		return fmt.Errorf("the rules have no route %s", q.route)
	}
	if err := w.decide(context.Background()); err != nil {
		return err
	}
	limit := w.rules.Role(w.decision.Role).Limit
	w.limiter = quota.NewLimiter(quota.NewMemory(0, nil), nil)
	w.limits = quota.Limits{
		RequestsPerMinute: limit.RequestsPerMinute, Burst: limit.Burst, PersonsPerDay: limit.PersonsPerDay, Zone: w.rules.Zone,
		Grant: w.decision.Application, GrantBudget: w.decision.Budget,
	}
	return nil
}

func (w *walk) loadPlan(*demo.Site, question) (err error) {
	if err := w.digest(context.Background()); err != nil { // it gets the keys too
		return err
	}
	if w.plan, err = plan.Compile(w.rules, w.route, w.decision.Fields); err != nil {
		return err
	}
	return w.mask(context.Background())
}

// errRefused ends a measurement of what should be allowed.
var errRefused = errors.New("refused")

func (w *walk) identify(context.Context) error {
	caller, why := identity.Identify(w.request, w.directory, w.proofs)
	if why != "" {
		return fmt.Errorf("%w: %s", errRefused, why)
	}
	w.caller = caller
	return nil
}

func (w *walk) decide(context.Context) error {
	w.decision = w.decider.Decide(policy.Query{Caller: w.caller, Route: w.route, Now: time.Now()})
	if !w.decision.Allowed {
		return fmt.Errorf("%w: %s", errRefused, w.decision.Reason)
	}
	return nil
}

// spend spends what the request names, then what the answer names.
func (w *walk) spend(ctx context.Context) error {
	for _, step := range []struct {
		spend   func(context.Context, string, quota.Limits, []string) (quota.Verdict, error)
		persons []string
	}{{w.limiter.Charge, w.asked}, {w.limiter.Admit, w.masking.Persons}} {
		verdict, err := step.spend(ctx, w.caller.ID, w.limits, step.persons)
		if err != nil {
			return err
		}
		if !verdict.OK {
			return fmt.Errorf("%w: %s", errRefused, verdict.Reason)
		}
	}
	return nil
}

func (w *walk) mask(context.Context) (err error) {
	w.masking, err = w.plan.Rewrite(w.source, w.maskKeys)
	return err
}

// digest takes the keys of one request and makes what the record holds of the
// person asked for, of the request and of the body.
func (w *walk) digest(ctx context.Context) error {
	person, err := w.ring.Current(ctx, keys.PersonPseudonym)
	if err != nil {
		return err
	}
	root, err := w.ring.Current(ctx, keys.FieldPseudonym)
	if err != nil {
		return err
	}
	field, err := root.Derive(w.caller.ID, w.decision.Purpose)
	if err != nil {
		return err
	}
	w.maskKeys = mask.Keys{Person: person, Field: field}
	for range 2 { // once for the budget, once for the record
		if w.person == "" {
			break
		}
		p, err := person.Pseudonym("person", w.person)
		if err != nil {
			return err
		}
		w.asked = append(w.asked[:0], p)
	}
	if _, err := person.MAC("hukougate request v1", w.route.ID, w.person); err != nil {
		return err
	}
	_, err = person.Digest("hukougate body v1", w.masking.Body)
	return err
}
