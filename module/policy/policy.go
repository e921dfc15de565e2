// Package policy decides: a proven caller, an application and a route become a
// Decision with the outcome of every field. It is the only importer of Casbin,
// and every decision runs Casbin's Enforce on an enforcer that is built once
// and never changed.
package policy

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/casbin/casbin/v2"
	"github.com/casbin/casbin/v2/model"

	"hukougate/module/access"
	"hukougate/module/rules"
)

// GrantSource gives the approved applications. Implementations MUST return only
// grants whose origin they have proven (a signature, or a database of their
// own), at most one per application number, and MUST never return a lower
// revision than they returned before for the same number. The slice and what it
// points to MUST NOT change afterwards.
type GrantSource interface {
	Grants() []access.Grant
}

// Query is one question to a Decider.
type Query struct {
	Caller      access.Caller
	Application string // as named by the request; "" takes the caller's default
	Route       *rules.Route
	Now         time.Time
}

// Decider answers from one bundle and one set of grants. Its zero value denies.
type Decider struct {
	snapshot *rules.Snapshot
	grants   map[string]*access.Grant
	enforcer *casbin.Enforcer
}

// effect is the only policy effect accepted: at least one allow, and no deny.
const effect = "some(where (p_eft == allow)) && !some(where (p_eft == deny))"

// request is the request definition the Decider fills, in this order.
var request = []string{"r_caller", "r_application", "r_purpose", "r_resource", "r_route", "r_scope"}

// columns is the policy definition rules.Snapshot.Policies is laid out for.
var columns = []string{"p_role", "p_purpose", "p_resource", "p_route", "p_scope", "p_eft"}

// New builds a Decider. It refuses a model or policy that Casbin would answer
// permissively: without an effect, with another request definition, empty, or
// one that lets a nonsense request through.
func New(s *rules.Snapshot, grants []access.Grant) (*Decider, error) {
	m, err := model.NewModelFromString(s.Model)
	if err != nil {
		return nil, fmt.Errorf("policy: model.conf: %w", err)
	}
	if err := checkModel(m); err != nil {
		return nil, fmt.Errorf("policy: model.conf: %w", err)
	}
	for _, line := range s.Policies {
		if err := m.AddPolicy("p", "p", slices.Clone(line)); err != nil {
			return nil, fmt.Errorf("policy: %w", err)
		}
	}
	byNumber := make(map[string]*access.Grant, len(grants))
	for i := range grants {
		g := &grants[i]
		if byNumber[g.Application] != nil {
			return nil, fmt.Errorf("policy: application %s is granted twice", g.Application)
		}
		byNumber[g.Application] = g
		if s.Role(g.Role) == nil {
			continue // stays known, so that the refusal can say grant_invalid
		}
		if err := m.AddPolicy("g", "g", []string{g.Caller, g.Role, g.Application}); err != nil {
			return nil, fmt.Errorf("policy: %w", err)
		}
	}
	e, err := casbin.NewEnforcer(m)
	if err != nil {
		return nil, fmt.Errorf("policy: %w", err)
	}
	if err := e.BuildRoleLinks(); err != nil {
		return nil, fmt.Errorf("policy: %w", err)
	}
	if err := selfTest(e, s); err != nil {
		return nil, err
	}
	return &Decider{snapshot: s, grants: byNumber, enforcer: e}, nil
}

// checkModel guards against Casbin's permissive zero values: its Allow is iota
// 0, and a model without an effect or matcher lets everything through.
func checkModel(m model.Model) error {
	for _, section := range []string{"r", "p", "g", "e", "m"} {
		if len(m[section]) != 1 || m[section][section] == nil || m[section][section].Value == "" {
			return fmt.Errorf("needs exactly one definition in section %q", section)
		}
	}
	if got := m["e"]["e"].Value; got != effect {
		return fmt.Errorf("policy effect is %q, wants %q", got, effect)
	}
	if got := m["r"]["r"].Tokens; !slices.Equal(got, request) {
		return fmt.Errorf("request definition is %v, wants %v", got, request)
	}
	if got := m["p"]["p"].Tokens; !slices.Equal(got, columns) {
		return fmt.Errorf("policy definition is %v, wants %v", got, columns)
	}
	// With "_, _" Casbin drops the application from every g line without a word,
	// and a role held under one application holds under all.
	if got := strings.ReplaceAll(m["g"]["g"].Value, " ", ""); got != "_,_,_" {
		return fmt.Errorf("role definition is %q, wants \"_, _, _\"", m["g"]["g"].Value)
	}
	return nil
}

var errPermissive = errors.New("policy: the model lets a request through that names nothing; it is refused")

// selfTest asks about a caller and application that can't exist, once for every
// policy line: whatever is allowed then would be allowed to anybody.
func selfTest(e *casbin.Enforcer, s *rules.Snapshot) error {
	if len(s.Policies) == 0 {
		return errPermissive
	}
	for _, p := range s.Policies {
		ok, err := e.Enforce("-nobody-", "-none-", p[1], p[2], p[3], p[4])
		if err != nil {
			return fmt.Errorf("policy: model.conf: %w", err)
		}
		if ok {
			return errPermissive
		}
	}
	return nil
}

// Decide answers a query. Whatever is missing, unknown or in error denies, with
// the reason; Reason is empty only when Allowed.
func (d *Decider) Decide(q Query) access.Decision {
	if d == nil || d.enforcer == nil || q.Route == nil {
		return access.Decision{Reason: access.RulesUnavailable}
	}
	number := q.Application
	if number == "" {
		number = q.Caller.DefaultApplication
	}
	out := access.Decision{Route: q.Route.ID, Resource: q.Route.Resource.ID, RulesVersion: d.snapshot.ID()}
	if number == "" {
		out.Reason = access.ApplicationMissing
		return out
	}
	g := d.grants[number]
	if g != nil {
		// A number nobody was granted stays out of the records: a client may send
		// anything in its place, an identity number for one.
		out.Application = number
	}
	if g == nil || g.Caller != q.Caller.ID || q.Caller.ID == "" {
		// The same answer for "not there" and "not yours" (attacks F9).
		out.Reason = access.ApplicationUnknown
		return out
	}
	out.GrantRevision, out.Role, out.Purpose, out.LegalBasis, out.Scope = g.Revision, g.Role, g.Purpose, g.LegalBasis, g.Scope
	if out.Reason = inForce(g, q.Now); out.Reason != "" {
		return out
	}
	fields, ok := d.fields(g, q)
	if !ok {
		out.Reason = access.GrantInvalid
		return out
	}
	if !d.permits(g, q.Route) {
		out.Reason = access.NotPermitted
		return out
	}
	out.Allowed, out.Fields, out.Budget = true, fields, g.Budget
	return out
}

func inForce(g *access.Grant, now time.Time) access.Reason {
	switch {
	case g.Revoked:
		return access.GrantRevoked
	case now.IsZero() || g.NotBefore.IsZero() || g.NotAfter.IsZero() || !now.Before(g.NotAfter):
		return access.GrantExpired
	case now.Before(g.NotBefore):
		return access.GrantNotYetValid
	case !now.Before(g.Agreement):
		return access.AgreementExpired
	}
	return ""
}

// fields checks a grant against the bundle and the caller, and gives the fields
// it shows of the route's resource.
func (d *Decider) fields(g *access.Grant, q Query) ([]access.FieldOutcome, bool) {
	if len(misfits(d.snapshot, g)) > 0 || d.snapshot.Role(g.Role).Kind != q.Caller.Kind {
		return nil, false
	}
	out, why := released(d.snapshot, g, q.Route.Resource)
	return out, why == ""
}

// permits asks Casbin whether a grant may use a route. An error is a no.
func (d *Decider) permits(g *access.Grant, route *rules.Route) bool {
	ok, err := d.enforcer.Enforce(g.Caller, g.Application, g.Purpose, route.Resource.ID, route.ID, g.Scope)
	return err == nil && ok
}
