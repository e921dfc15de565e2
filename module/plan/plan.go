// Package plan turns what a decision releases into the masking plan of its
// route, and tells beforehand whether every route of a bundle has one.
package plan

import (
	"errors"
	"fmt"

	"hukougate/module/access"
	"hukougate/module/mask"
	"hukougate/module/rules"
)

// Compile makes the plan that shows the given fields, each by its transform, of
// the answers of a route. The fields that aren't given, and every member that
// the route's resource doesn't list, are removed.
func Compile(s *rules.Snapshot, route *rules.Route, fields []access.FieldOutcome) (*mask.Plan, error) {
	p, err := mask.Compile(spec(s, route, fields))
	if err != nil {
		return nil, fmt.Errorf("plan: resource %q, route %q: %w", route.Resource.ID, route.ID, err)
	}
	return p, nil
}

// Check compiles every plan that a bundle can need: of each route with every
// field clear, and with each scope that a policy line names for it. A bundle
// that fails would refuse every query of the route, so it must not come into
// force. The error names each resource and route and the path to change in
// resources.yaml, or in catalogue.yaml when it is a member's.
func Check(s *rules.Snapshot) error {
	var failed []error
	for _, resource := range s.Resources {
		whole := make([]access.FieldOutcome, 0, len(resource.Fields))
		for _, id := range resource.Fields {
			whole = append(whole, access.FieldOutcome{Field: id, Transform: access.Transform{Kind: access.Clear}})
		}
		for _, route := range resource.Routes {
			if _, err := Compile(s, route, whole); err != nil {
				failed = append(failed, err)
			}
		}
	}
	if len(failed) > 0 {
		return errors.Join(failed...) // the scopes would only repeat it
	}
	for _, line := range s.Policies {
		route, scope := s.Route(line[3]), s.Scope(line[4])
		if _, err := Compile(s, route, scope.Fields); err != nil {
			failed = append(failed, fmt.Errorf("%w (with scope %q)", err, scope.ID))
		}
	}
	return errors.Join(failed...)
}

func spec(s *rules.Snapshot, route *rules.Route, fields []access.FieldOutcome) mask.Spec {
	outcome := make(map[string]access.Transform, len(fields))
	for _, f := range fields {
		outcome[f.Field] = f.Transform
	}
	spec := mask.Spec{Records: route.Records, Person: route.Resource.Person}
	for _, e := range route.Envelope {
		spec.Envelope = append(spec.Envelope, mask.EnvelopeMember{Path: e.At, Type: mask.EnvelopeType(e.Type), Max: e.Max, Allowed: e.Allowed})
	}
	for _, m := range s.Members(route.Resource) {
		// The zero transform of a field not in outcome removes it.
		spec.Members = append(spec.Members, mask.Member{Path: m.Name, Field: m.Field, Transform: outcome[m.Field]})
		if m.Field == route.Resource.Person {
			spec.PersonPaths = append(spec.PersonPaths, m.Name)
		}
	}
	return spec
}
