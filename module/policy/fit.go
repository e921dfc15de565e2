package policy

import (
	"fmt"
	"slices"

	"hukougate/module/access"
	"hukougate/module/rules"
	"hukougate/module/strictyaml"
)

// misfit is one word of a grant that a bundle has no place for.
type misfit struct {
	what, word string // such as scope, bank-kyc
	why        string
}

const unknown = "is not in the rules"

// misfits lists what of a grant does not fit a bundle, whatever is asked under
// it. Decide and CheckAgainst both go by it and by released, so that no grant
// passes the one only to be refused by the other.
func misfits(s *rules.Snapshot, g *access.Grant) (out []misfit) {
	if s.Role(g.Role) == nil {
		out = append(out, misfit{"role", g.Role, unknown})
	}
	if s.Purpose(g.Purpose) == nil {
		out = append(out, misfit{"purpose", g.Purpose, unknown})
	}
	switch scope := s.Scope(g.Scope); {
	case scope == nil:
		out = append(out, misfit{"scope", g.Scope, unknown})
	case !slices.Contains(scope.Purposes, g.Purpose):
		out = append(out, misfit{"scope", g.Scope, fmt.Sprintf("is not for purpose %q", g.Purpose)})
	case scope.NamedItems && len(g.Fields) == 0:
		out = append(out, misfit{"scope", g.Scope, "needs the grant to name its fields"})
	}
	for _, f := range g.Fields {
		if s.Field(f) == nil {
			out = append(out, misfit{"field", f, unknown})
		}
	}
	return out
}

// released gives the fields a grant without misfits shows of a resource: the
// scope's, narrowed to those the grant names, of those the resource carries.
// There is at least one, or why says why not.
func released(s *rules.Snapshot, g *access.Grant, resource *rules.Resource) (out []access.FieldOutcome, why string) {
	scope := s.Scope(g.Scope)
	switch {
	case !slices.Contains(g.Resources, resource.ID):
		return nil, "is not granted"
	case !slices.Contains(scope.Resources, resource.ID):
		return nil, fmt.Sprintf("is not in scope %q", scope.ID)
	}
	for _, f := range scope.Fields {
		if (len(g.Fields) == 0 || slices.Contains(g.Fields, f.Field)) && slices.Contains(resource.Fields, f.Field) {
			out = append(out, f)
		}
	}
	if len(out) == 0 {
		return nil, fmt.Sprintf("carries none of the fields that scope %q and the grant show", scope.ID)
	}
	return out, ""
}

// CheckAgainst reports what in a grant does not fit a bundle, as
// strictyaml.Problems. Queries that need what is reported are refused with
// grant_invalid or not_permitted; the gate loads the grant all the same. Not
// checked are the caller's kind, which stands in the callers file, today's date,
// and whether the grant is revoked.
func CheckAgainst(file string, g access.Grant, s *rules.Snapshot) error {
	found := misfits(s, &g)
	for _, id := range g.Resources {
		if s.Resource(id) == nil {
			found = append(found, misfit{"resource", id, unknown})
		}
	}
	if len(found) == 0 {
		d, err := New(s, []access.Grant{g})
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		found = d.unused(&g)
	}
	var ps strictyaml.Problems
	for _, m := range found {
		ps = append(ps, strictyaml.Problem{File: file, Message: fmt.Sprintf("%s %q %s", m.what, m.word, m.why), Nearest: m.nearest(s)})
	}
	return ps.Err()
}

// unused lists the words of a grant, all known, that no query can make use of.
func (d *Decider) unused(g *access.Grant) (out []misfit) {
	shown := map[string]bool{}
	for _, id := range g.Resources {
		resource := d.snapshot.Resource(id)
		fields, why := released(d.snapshot, g, resource)
		if why == "" && !slices.ContainsFunc(resource.Routes, func(r *rules.Route) bool { return d.permits(g, r) }) {
			why = fmt.Sprintf("has no policy line that allows role %q, purpose %q and scope %q", g.Role, g.Purpose, g.Scope)
		}
		if why != "" {
			out = append(out, misfit{"resource", id, why})
		}
		for _, f := range fields {
			shown[f.Field] = true
		}
	}
	for _, f := range g.Fields {
		if !shown[f] {
			out = append(out, misfit{"field", f, fmt.Sprintf("is not shown by scope %q of the resources granted", g.Scope)})
		}
	}
	valid := *g
	valid.Revoked = false
	if why := inForce(&valid, g.NotBefore); why != "" {
		out = append(out, misfit{"application", g.Application, fmt.Sprintf("is never in force: at its beginning already %s", why)})
	}
	return out
}

func (m misfit) nearest(s *rules.Snapshot) string {
	if m.why != unknown {
		return ""
	}
	var known []string
	switch m.what {
	case "role":
		known = ids(s.Roles, func(r *rules.Role) string { return r.ID })
	case "purpose":
		known = ids(s.Purposes, func(p *rules.Purpose) string { return p.ID })
	case "scope":
		known = ids(s.Scopes, func(c *rules.Scope) string { return c.ID })
	case "resource":
		known = ids(s.Resources, func(r *rules.Resource) string { return r.ID })
	case "field":
		known = ids(s.Fields, func(f *rules.Field) string { return f.ID })
	}
	return strictyaml.Nearest(m.word, known)
}

func ids[T any](all []*T, id func(*T) string) []string {
	out := make([]string, len(all))
	for i, one := range all {
		out[i] = id(one)
	}
	return out
}
