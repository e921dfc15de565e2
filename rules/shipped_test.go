package shipped

import (
	"bytes"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"go.yaml.in/yaml/v3"

	"hukougate/module/access"
	"hukougate/module/citizenid"
	"hukougate/module/registry"
	"hukougate/module/rules"
	"hukougate/module/workbench"
)

func load(t *testing.T) *rules.Snapshot {
	t.Helper()
	s, err := rules.Load(FS)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// files copies FS, so that a test may change one.
func files(t *testing.T) fstest.MapFS {
	t.Helper()
	m := fstest.MapFS{}
	err := fs.WalkDir(FS, ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		data, err := fs.ReadFile(FS, name)
		m[name] = &fstest.MapFile{Data: data}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestDecisionTestsPass(t *testing.T) {
	report, err := workbench.Test(FS)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range report.Failures {
		t.Error(f)
	}
	if report.Passed < 75 {
		t.Errorf("%d decision tests passed, want at least 75", report.Passed)
	}
}

// A policy line that no test needs could be lost, or be too much, unseen.
func TestEveryPolicyLineIsNeeded(t *testing.T) {
	m := files(t)
	whole := m["policy.csv"].Data
	lines := bytes.SplitAfter(whole, []byte("\n"))
	removed := 0
	for i, line := range lines {
		if !bytes.HasPrefix(line, []byte("p,")) {
			continue
		}
		removed++
		m["policy.csv"] = &fstest.MapFile{Data: bytes.Join(slices.Delete(slices.Clone(lines), i, i+1), nil)}
		report, err := workbench.Test(m)
		if err != nil {
			t.Fatal(err)
		}
		if len(report.Failures) == 0 {
			t.Errorf("no decision test needs %q", bytes.TrimSpace(line))
		}
	}
	if want := len(load(t).Policies); removed != want {
		t.Errorf("tried %d lines of %d", removed, want)
	}
}

type decisionTests struct {
	Grants []struct {
		Application, Scope string
		Fields             []string
	}
	Tests []struct {
		Name, Application, Expect string
		Releases                  map[string]string
	}
}

// A field added to a scope, taken from it or shown otherwise must fail a test:
// each scope has one that lists all it releases.
func TestEveryScopeIsToldWhole(t *testing.T) {
	s := load(t)
	told, names := map[string]bool{}, map[string]bool{}
	paths, err := fs.Glob(FS, "tests/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range paths {
		data, err := fs.ReadFile(FS, name)
		if err != nil {
			t.Fatal(err)
		}
		var f decisionTests
		if err := yaml.Unmarshal(data, &f); err != nil {
			t.Fatal(err)
		}
		scopeOf := map[string]string{}
		for _, g := range f.Grants {
			scopeOf[g.Application] = g.Scope
		}
		for _, c := range f.Tests {
			if names[c.Name] {
				t.Errorf("%s: the name %q stands twice", name, c.Name)
			}
			names[c.Name] = true
			if scope := s.Scope(scopeOf[c.Application]); scope != nil && c.Expect == "allow" && maps.Equal(c.Releases, outcomes(scope)) {
				told[scope.ID] = true
			}
		}
	}
	for _, scope := range s.Scopes {
		if !told[scope.ID] {
			t.Errorf("no decision test lists all that scope %q releases", scope.ID)
		}
	}
}

func outcomes(scope *rules.Scope) map[string]string {
	out := map[string]string{}
	for _, f := range scope.Fields {
		out[f.Field] = rules.FormatTransform(f.Transform)
	}
	return out
}

func TestCatalogueKnowsTheRegistry(t *testing.T) {
	s := load(t)
	known := map[string]bool{}
	for _, m := range s.Members(s.Resource("resident")) {
		known[m.Name] = true
	}
	for _, name := range registry.MemberNames() {
		if !known[name] {
			t.Errorf("member %s of the registry's records stands for no field of resource resident", name)
		}
	}
	for _, f := range s.Fields {
		if !slices.Contains(s.Resource("resident").Fields, f.ID) {
			t.Errorf("field %q belongs to no resource", f.ID)
		}
	}
}

func TestScopesStayInTheirResources(t *testing.T) {
	s := load(t)
	for _, scope := range s.Scopes {
		for _, f := range scope.Fields {
			for _, r := range scope.Resources {
				if !slices.Contains(s.Resource(r).Fields, f.Field) {
					t.Errorf("scope %q releases %q, which resource %q does not carry", scope.ID, f.Field, r)
				}
			}
		}
	}
}

// The identity number is made of division, birth date and sex (GB 11643-1999):
// where it is shown in part, these must not give the rest back.
func TestPartialNumbersStayPartial(t *testing.T) {
	s := load(t)
	partial := 0
	for _, scope := range s.Scopes {
		id := scope.Outcome("citizen_id")
		if id.Kind != access.Keep {
			continue
		}
		partial++
		if id.First > 1 || id.Last > 2 {
			t.Errorf("scope %q shows %d+%d of the number; the arithmetic is for 1+2", scope.ID, id.First, id.Last)
		}
		if scope.Outcome("birth_date").Kind == access.Clear || scope.Outcome("birth_time").Visible() {
			t.Errorf("scope %q shows the birth date beside a partial number", scope.ID)
		}
	}
	if partial == 0 {
		t.Error("no scope shows a number in part; the arithmetic proves nothing")
	}
	// A relative's number in part is safe only while no field tells the relative's birth date.
	for _, f := range s.Fields {
		if strings.HasSuffix(f.ID, "_birth_date") {
			t.Errorf("field %q: count again what a relative's partial number leaves", f.ID)
		}
	}
}

// The figures in the comment of scope bank-kyc, counted: numbers left when
// division and year (or the whole date), the last digit of the sequence and
// the check character are known.
func TestJointMaskingArithmetic(t *testing.T) {
	type shown struct{ digit, check byte }
	count := func(days int) (least int) {
		left := map[shown]int{}
		for day := range days {
			date := time.Date(1885, 1, 1+day, 0, 0, 0, 0, time.UTC).Format("20060102")
			for n := range 1000 {
				first17 := fmt.Sprintf("440524%s%03d", date, n)
				c, err := citizenid.CheckCharacter(first17)
				if err != nil {
					t.Fatal(err)
				}
				left[shown{first17[16], c}]++
			}
		}
		return slices.Min(slices.Collect(maps.Values(left)))
	}
	if got := count(365); got < 3300 {
		t.Errorf("with the year shown %d numbers remain, want about 3,318", got)
	}
	if got := count(1); got > 10 {
		t.Errorf("with the date shown %d numbers remain; the comment says 9 or 10", got)
	}
}

// To Casbin's g() any two equal names are linked, so a caller named like a role
// would hold it. Callers' ids have no underscore; roles' ids have one.
func TestNoCallerCanBeNamedLikeARole(t *testing.T) {
	caller := regexp.MustCompile(`^[a-z0-9][a-z0-9-]{1,62}$`)
	for _, r := range load(t).Roles {
		if caller.MatchString(r.ID) {
			t.Errorf("role %q could be a caller's id; give it an underscore", r.ID)
		}
	}
}

func TestFilesNameTheirSchema(t *testing.T) {
	for name, f := range files(t) {
		if path.Ext(name) != ".yaml" {
			continue
		}
		first, rest, _ := strings.Cut(string(f.Data), "\n")
		second, _, _ := strings.Cut(rest, "\n")
		schema := strings.TrimPrefix(first, "# yaml-language-server: $schema=")
		if _, err := fs.Stat(FS, path.Join(path.Dir(name), schema)); schema == first || err != nil {
			t.Errorf("%s does not open with a line naming its schema", name)
		}
		if !strings.HasPrefix(second, "# ") {
			t.Errorf("%s does not say what it is", name)
		}
	}
}
