package rules

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"testing/fstest"

	"hukougate/module/strictyaml"
)

// FuzzLoad replaces one file of a good bundle. Either there are problems, each
// of a file that exists, and no Snapshot, or a Snapshot that holds together.
func FuzzLoad(f *testing.F) {
	names := Files()
	for i, name := range names {
		text := library[name]
		f.Add(uint8(i), []byte(text))
		f.Add(uint8(i), []byte(strings.ReplaceAll(text, "reading", "raeding")))
		f.Add(uint8(i), []byte(text[:len(text)/2]))
		f.Add(uint8(i), []byte(text+"\x00"))
	}
	f.Fuzz(func(t *testing.T, which uint8, data []byte) {
		if len(data) > 16<<10 {
			t.Skip("no more is learnt from a long file")
		}
		m := files()
		name := names[int(which)%len(names)]
		m[name] = &fstest.MapFile{Data: data}
		s, err := Load(m)
		if err != nil {
			var ps strictyaml.Problems
			if s != nil || !errors.As(err, &ps) || len(ps) == 0 {
				t.Fatalf("%s: %v, with a snapshot: %v", name, err, s != nil)
			}
			for _, p := range ps {
				if p.File == "" || p.Message == "" || p.Line < 0 || p.Line > 2+bytes.Count(m[p.File].Data, []byte("\n"))+bytes.Count(m[p.File].Data, []byte("\r")) {
					t.Fatalf("problem %+v", p)
				}
			}
			return
		}
		holdsTogether(t, s)
	})
}

func holdsTogether(t *testing.T, s *Snapshot) {
	t.Helper()
	if s.Version < 1 || s.Zone == nil || s.Name == "" || len(s.Policies) == 0 {
		t.Fatalf("bundle %q %d %v with %d policy lines", s.Name, s.Version, s.Zone, len(s.Policies))
	}
	for _, r := range s.Roles {
		if r.Limit.RequestsPerMinute < 1 || r.Limit.Burst < 1 || r.Limit.PersonsPerDay < 1 || !strings.Contains(r.ID, "_") {
			t.Fatalf("role %+v", r)
		}
	}
	for _, c := range s.Scopes {
		if len(c.Fields) == 0 {
			t.Fatalf("scope %s releases nothing", c.ID)
		}
		for _, o := range c.Fields {
			if f := s.Field(o.Field); f == nil || f.Level == Control || f.Level == Drop || !o.Transform.Visible() {
				t.Fatalf("scope %s releases %+v of %+v", c.ID, o, f)
			}
		}
	}
	for _, r := range s.Resources {
		for _, id := range r.Fields {
			if s.Field(id) == nil {
				t.Fatalf("resource %s carries %q", r.ID, id)
			}
		}
		for _, route := range r.Routes {
			if s.Route(route.ID) != route || route.Timeout <= 0 || route.MaxBytes < 1 {
				t.Fatalf("route %+v", route)
			}
			for _, p := range route.Parameters {
				if personal(p) && (p.In != InBody || p.SendIn != InBody) {
					t.Fatalf("route %s has a personal parameter in a URL", route.ID)
				}
			}
		}
	}
	for _, p := range s.Policies {
		route := s.Route(p[3])
		if s.Role(p[0]) == nil || s.Purpose(p[1]) == nil || route == nil || route.Resource != s.Resource(p[2]) || s.Scope(p[4]) == nil || p[5] != "allow" && p[5] != "deny" {
			t.Fatalf("policy %q", p)
		}
	}
}
