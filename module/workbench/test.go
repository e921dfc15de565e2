// Package workbench works on a rules bundle before it goes live: it runs the
// decision tests that lie beside the rules.
package workbench

import (
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"time"

	"hukougate/module/access"
	"hukougate/module/keys"
	"hukougate/module/mask"
	"hukougate/module/plan"
	"hukougate/module/policy"
	"hukougate/module/rules"
	"hukougate/module/strictyaml"
)

// TestsFolder is where a bundle keeps its decision tests.
const TestsFolder = "tests"

type testFile struct {
	Grants []testGrant `yaml:"grants" need:"yes"`
	Tests  []testCase  `yaml:"tests" need:"yes"`
}

type testGrant struct {
	Application strictyaml.Text   `yaml:"application" need:"yes"`
	Caller      strictyaml.Text   `yaml:"caller" need:"yes"`
	Kind        strictyaml.Text   `yaml:"kind" need:"yes"`
	Role        strictyaml.Text   `yaml:"role" need:"yes"`
	Purpose     strictyaml.Text   `yaml:"purpose" need:"yes"`
	LegalBasis  strictyaml.Text   `yaml:"legal_basis" need:"yes"`
	Scope       strictyaml.Text   `yaml:"scope" need:"yes"`
	Resources   []strictyaml.Text `yaml:"resources" need:"yes"`
	Fields      []strictyaml.Text `yaml:"fields"`
	NotBefore   strictyaml.Text   `yaml:"not_before" need:"yes"`
	NotAfter    strictyaml.Text   `yaml:"not_after" need:"yes"`
	Agreement   strictyaml.Text   `yaml:"agreement_until" need:"yes"`
	Revoked     bool              `yaml:"revoked"`
}

type testCase struct {
	Name        strictyaml.Text            `yaml:"name" need:"yes"`
	Caller      strictyaml.Text            `yaml:"caller" need:"yes"`
	Application strictyaml.Text            `yaml:"application"`
	Route       strictyaml.Text            `yaml:"route" need:"yes"`
	At          strictyaml.Text            `yaml:"at" need:"yes"`
	Expect      strictyaml.Text            `yaml:"expect" need:"yes"`
	Releases    map[string]strictyaml.Text `yaml:"releases"`
	Withholds   []strictyaml.Text          `yaml:"withholds"`
	Examples    []example                  `yaml:"examples"`
}

type example struct {
	Field strictyaml.Text `yaml:"field" need:"yes"`
	Value strictyaml.Text `yaml:"value" need:"yes"`
	Shows strictyaml.Text `yaml:"shows" need:"yes"`
}

// Failure is one decision test that did not come out as written.
type Failure struct {
	File    string
	Line    int
	Name    string
	Message string
}

func (f Failure) String() string {
	return fmt.Sprintf("%s:%d: %s: %s", f.File, f.Line, f.Name, f.Message)
}

// Report is the outcome of a run.
type Report struct {
	Passed   int
	Failures []Failure
}

// Test runs every decision test of the bundle in fsys against its rules. A
// bundle that does not load or whose answers can't be masked, a test file that
// can't be read, or a folder without tests is an error; tests that fail are in
// the Report.
func Test(fsys fs.FS) (Report, error) {
	s, err := rules.Load(fsys)
	if err != nil {
		return Report{}, err
	}
	if err := plan.Check(s); err != nil {
		return Report{}, err
	}
	names, err := fs.Glob(fsys, TestsFolder+"/*.yaml")
	if err != nil {
		return Report{}, fmt.Errorf("workbench: %w", err)
	}
	if len(names) == 0 {
		return Report{}, fmt.Errorf("workbench: no decision tests in %s/*.yaml", TestsFolder)
	}
	var report Report
	for _, name := range names {
		if err := testOne(fsys, name, s, &report); err != nil {
			return Report{}, err
		}
	}
	return report, nil
}

func testOne(fsys fs.FS, name string, s *rules.Snapshot, report *Report) error {
	data, err := fs.ReadFile(fsys, name)
	if err != nil {
		return fmt.Errorf("workbench: %w", err)
	}
	var file testFile
	if ps := strictyaml.Decode(name, data, &file); len(ps) > 0 {
		return ps
	}
	r := runner{file: name, snapshot: s, kinds: map[string]access.CallerKind{}}
	grants := r.grants(file.Grants)
	d, err := policy.New(s, grants)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	r.decider = d
	for i := range file.Tests {
		r.run(&file.Tests[i], report)
	}
	return r.problems.Err()
}

type runner struct {
	file     string
	snapshot *rules.Snapshot
	decider  *policy.Decider
	kinds    map[string]access.CallerKind
	problems strictyaml.Problems
}

func (r *runner) instant(t strictyaml.Text) time.Time {
	at, err := time.Parse(time.RFC3339, t.Value)
	if err != nil {
		r.problems = append(r.problems, t.At(r.file, fmt.Sprintf("%q is not a time such as 2026-01-01T00:00:00+08:00", t)))
	}
	return at
}

func (r *runner) grants(in []testGrant) []access.Grant {
	var out []access.Grant
	for _, g := range in {
		if k, known := r.kinds[g.Caller.Value]; known && string(k) != g.Kind.Value {
			r.problems = append(r.problems, g.Kind.At(r.file, fmt.Sprintf("caller %q is %s in another grant of this file", g.Caller, k)))
		}
		r.kinds[g.Caller.Value] = access.CallerKind(g.Kind.Value)
		if k := g.Kind.Value; k != string(access.Internal) && k != string(access.External) {
			r.problems = append(r.problems, g.Kind.At(r.file, fmt.Sprintf("kind %q is not known", k), "internal", "external"))
		}
		out = append(out, access.Grant{
			Application: g.Application.Value, Revision: 1, Caller: g.Caller.Value, Role: g.Role.Value, Purpose: g.Purpose.Value,
			LegalBasis: g.LegalBasis.Value, Scope: g.Scope.Value, Resources: texts(g.Resources), Fields: texts(g.Fields),
			NotBefore: r.instant(g.NotBefore), NotAfter: r.instant(g.NotAfter), Agreement: r.instant(g.Agreement), Revoked: g.Revoked,
		})
	}
	return out
}

func texts(in []strictyaml.Text) (out []string) {
	for _, t := range in {
		out = append(out, t.Value)
	}
	return out
}

func (r *runner) run(t *testCase, report *Report) {
	messages := r.check(t)
	if len(messages) == 0 {
		report.Passed++
		return
	}
	report.Failures = append(report.Failures, Failure{File: r.file, Line: t.Name.Line, Name: t.Name.Value, Message: strings.Join(messages, "; ")})
}

// check decides the test's query and returns what differs from the test.
func (r *runner) check(t *testCase) []string {
	route := r.snapshot.Route(t.Route.Value)
	if route == nil {
		return []string{fmt.Sprintf("route %q is not in the rules", t.Route)}
	}
	kind, known := r.kinds[t.Caller.Value]
	if !known {
		kind = access.External // a caller no grant of this file knows
	}
	if want := t.Expect.Value; want != "allow" && !slices.Contains(access.Reasons(), access.Reason(want)) {
		return []string{fmt.Sprintf("expect %q is neither allow nor a reason", want)}
	}
	d := r.decider.Decide(policy.Query{
		Caller:      access.Caller{ID: t.Caller.Value, Kind: kind, Proofs: []access.Proof{access.ProofAPIKey}},
		Application: t.Application.Value, Route: route, Now: r.instant(t.At),
	})
	verdict := string(d.Reason)
	if d.Allowed {
		verdict = "allow"
	}
	if verdict != t.Expect.Value {
		return []string{fmt.Sprintf("got %s, want %s", verdict, t.Expect)}
	}
	return slices.Concat(r.releases(t, d), r.withholds(t, d), r.examples(t, d))
}

func outcomes(d access.Decision) map[string]access.Transform {
	out := map[string]access.Transform{}
	for _, f := range d.Fields {
		out[f.Field] = f.Transform
	}
	return out
}

func (r *runner) releases(t *testCase, d access.Decision) (messages []string) {
	if t.Releases == nil {
		return nil
	}
	got := outcomes(d)
	for _, field := range slices.Sorted(maps.Keys(t.Releases)) {
		want := t.Releases[field].Value
		if r.snapshot.Field(field) == nil {
			messages = append(messages, fmt.Sprintf("releases %q, which is not in the catalogue", field))
		}
		if have := rules.FormatTransform(got[field]); have != want {
			messages = append(messages, fmt.Sprintf("%s: got %s, want %s", field, have, want))
		}
		delete(got, field)
	}
	for _, field := range slices.Sorted(maps.Keys(got)) {
		messages = append(messages, fmt.Sprintf("%s: released (%s), but the test does not list it", field, rules.FormatTransform(got[field])))
	}
	return messages
}

func (r *runner) withholds(t *testCase, d access.Decision) (messages []string) {
	got := outcomes(d)
	for _, field := range t.Withholds {
		if r.snapshot.Field(field.Value) == nil {
			messages = append(messages, fmt.Sprintf("withholds %q, which is not in the catalogue", field))
		} else if got[field.Value].Visible() {
			messages = append(messages, fmt.Sprintf("%s: released (%s), must be withheld", field, rules.FormatTransform(got[field.Value])))
		}
	}
	return messages
}

// exampleKey is not secret: examples show the shape of a pseudonym, not a real one.
func exampleKey() (keys.Key, error) {
	return keys.New(keys.FieldPseudonym, 1, []byte("decision tests: not a secret key"))
}

func (r *runner) examples(t *testCase, d access.Decision) (messages []string) {
	key, err := exampleKey()
	if err != nil {
		return []string{err.Error()}
	}
	got := outcomes(d)
	for _, e := range t.Examples {
		if r.snapshot.Field(e.Field.Value) == nil {
			messages = append(messages, fmt.Sprintf("example of %q, which is not in the catalogue", e.Field))
			continue
		}
		person := r.snapshot.Route(t.Route.Value).Resource.Person == e.Field.Value
		shows, removed, err := mask.Example(got[e.Field.Value], e.Field.Value, person, e.Value.Value, key)
		if err != nil || removed {
			shows = ""
		}
		if shows != e.Shows.Value {
			messages = append(messages, fmt.Sprintf("%s: %q shows as %q, want %q", e.Field, e.Value, shows, e.Shows))
		}
	}
	return messages
}
