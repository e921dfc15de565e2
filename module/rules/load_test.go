package rules

import (
	"errors"
	"fmt"
	"io/fs"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"hukougate/module/access"
	"hukougate/module/strictyaml"
)

func TestLoad(t *testing.T) {
	s, err := Load(files())
	if err != nil {
		t.Fatal(err)
	}
	if s.Name != "library" || s.Version != 3 || s.Zone.String() != "Asia/Shanghai" || len(s.Digest) != 64 {
		t.Errorf("bundle: %s %d %s %q", s.Name, s.Version, s.Zone, s.Digest)
	}
	if want := "library 3 sha256:" + s.Digest[:16]; s.ID() != want {
		t.Errorf("ID %q, want %q", s.ID(), want)
	}
	if f := s.Field("title_text"); f == nil || f.TwinOf != "title" || f.Level != General || f.Title.English != "Title in words" {
		t.Errorf("field: %+v", f)
	}
	if r := s.Role("guest_reader"); r == nil || r.Kind != access.External || r.Limit != (Limit{RequestsPerMinute: 6, Burst: 1, PersonsPerDay: 2}) {
		t.Errorf("role: %+v", r)
	}
	if p := s.Purpose("reading"); p == nil || p.LegalBasis != "馆规" || !reflect.DeepEqual(p.Proof, []string{"读者证"}) {
		t.Errorf("purpose: %+v", p)
	}
	want := []access.FieldOutcome{ // in the catalogue's order; what is removed is not among them
		{Field: "reader", Transform: access.Transform{Kind: access.Keep, First: 1, Last: 2}},
		{Field: "title", Transform: access.Transform{Kind: access.Clear}},
		{Field: "loan_date", Transform: access.Transform{Kind: access.Year}},
	}
	scope := s.Scope("narrow")
	if !reflect.DeepEqual(scope.Fields, want) || scope.NamedItems || !s.Scope("named").NamedItems {
		t.Errorf("scope: %+v", scope)
	}
	for field, kind := range map[string]access.TransformKind{"title": access.Clear, "title_text": access.Remove, "mark": access.Remove, "": access.Remove, "nothing": access.Remove} {
		if got := scope.Outcome(field).Kind; got != kind {
			t.Errorf("outcome of %q: %s, want %s", field, got, kind)
		}
	}
	if want := [][]string{{"lending_clerk", "reading", "book", "book-get", "narrow", "allow"}, {"guest_reader", "reading", "book", "book-list", "narrow", "deny"}}; !reflect.DeepEqual(s.Policies, want) {
		t.Errorf("policy: %q", s.Policies)
	}
	if got := s.Members(s.Resource("book")); len(got) != 7 || got[0] != (Member{"READER", "reader"}) || got[1] != (Member{"reader_no", "reader"}) {
		t.Errorf("members: %+v", got)
	}
	for name, absent := range map[string]bool{
		"field": s.Field("x") == nil, "purpose": s.Purpose("x") == nil, "role": s.Role("x") == nil, "resource": s.Resource("x") == nil,
		"scope": s.Scope("x") == nil, "route": s.Route("x") == nil,
	} {
		if !absent {
			t.Errorf("an unknown %s is there", name)
		}
	}
	checkRoutes(t, s)
}

func checkRoutes(t *testing.T, s *Snapshot) {
	t.Helper()
	get := s.Route("book-get")
	if get.Timeout != 2*time.Second || get.MaxBytes != 4096 || get.Resource != s.Resource("book") || get.UpstreamPath.String() != "/b/get" {
		t.Errorf("route: %+v", get)
	}
	if want := (Parameter{Name: "reader_id", In: InBody, Type: TypeCitizenID, Required: true, Person: true, SendIn: InBody, SendAs: "rid"}); get.Parameters[0] != want {
		t.Errorf("parameter: %+v", get.Parameters[0])
	}
	if want := (Envelope{At: "/state", Type: "token", Allowed: []string{"ok", "none"}}); !reflect.DeepEqual(get.Envelope[1], want) {
		t.Errorf("envelope: %+v", get.Envelope[1])
	}
	for _, tt := range []struct {
		method, path string
		route        string
		values       map[string]string
		allow        []string
	}{
		{"POST", "/v1/books/get", "book-get", nil, nil},
		{"GET", "/v1/books/get", "", nil, []string{"POST"}},
		{"get", "/v1/shelves/a/books", "", nil, []string{"GET"}},
		{"GET", "/v1/shelves/a-1/books", "book-list", map[string]string{"shelf": "a-1"}, nil},
		{"DELETE", "/v1/shelves/a/books", "", nil, []string{"GET"}},
		{"GET", "/v1/shelves//books", "", nil, nil},
		{"GET", "/v1/shelves/a/books/", "", nil, nil},
		{"GET", "/v1/shelves/a", "", nil, nil},
		{"GET", "/V1/shelves/a/books", "", nil, nil},
		{"GET", "", "", nil, nil},
	} {
		route, values, allow := s.Match(tt.method, tt.path)
		id := ""
		if route != nil {
			id = route.ID
		}
		if id != tt.route || !reflect.DeepEqual(values, tt.values) || !reflect.DeepEqual(allow, tt.allow) {
			t.Errorf("%s %s: %q %v %v", tt.method, tt.path, id, values, allow)
		}
	}
}

// TestDigestIsOfEveryFile: no file can change without the bundle's digest.
func TestDigestIsOfEveryFile(t *testing.T) {
	whole, err := Load(files())
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]string{whole.Digest: "the bundle itself"}
	for _, name := range Files() {
		m := files()
		m[name] = &fstest.MapFile{Data: append(m[name].Data, "# more\n"...)}
		s, err := Load(m)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if other := seen[s.Digest]; other != "" {
			t.Errorf("%s and %s have the same digest", name, other)
		}
		seen[s.Digest] = name
	}
	beside := files()
	beside["README.md"], beside["tests/x.yaml"], beside["schema/x.json"], beside[".git/x"], beside["embed.go"], beside["policy.csv~"] =
		&fstest.MapFile{}, &fstest.MapFile{}, &fstest.MapFile{}, &fstest.MapFile{}, &fstest.MapFile{}, &fstest.MapFile{}
	if s, err := Load(beside); err != nil || s.Digest != whole.Digest {
		t.Errorf("what lies beside the rules changes them: %v", err)
	}
}

// refusal is one mistake. want stands in a problem at the line of the mistake;
// with "ANY " before it, at some other line; with "FILE", at no line.
type refusal struct{ file, old, replacement, want string }

var loadRefusals = []refusal{
	{"bundle.yaml", "version: 3", "verison: 3", `unknown word "verison"; did you mean "version"?`},
	{"bundle.yaml", "version: 3", "version: three", `wants a whole number, not "three"`},
	{"bundle.yaml", "version: 3", "version: 0", `FILE: version starts at 1`},
	{"bundle.yaml", "name: library", "name: Library", `name "Library" is not [a-z]`},
	{"bundle.yaml", "timezone: Asia/Shanghai", "timezone: Asia/Shanghei", `time zone "Asia/Shanghei" is not known`},
	{"bundle.yaml", "timezone: Asia/Shanghai", "timezone: Local", `time zone "Local" is not known`},
	{"bundle.yaml", "timezone: Asia/Shanghai", `timezone: ""`, `time zone "" is not known`},

	{"catalogue.yaml", "id: loan_date", "id: Loan", `id "Loan" is not [a-z]`},
	{"catalogue.yaml", "id: loan_date", "id: title", `id "title" stands twice`},
	{"catalogue.yaml", "level: sensitive", "level: sensible", `level "sensible" is not known; did you mean "sensitive"?`},
	{"catalogue.yaml", "[LOAN]", "[TITLE]", `alias "TITLE" already stands for "title"`},
	{"catalogue.yaml", "[LOAN]", `[""]`, `alias "" is empty`},
	{"catalogue.yaml", "twin_of: title", "twin_of: titel", `field "titel" is not defined; did you mean "title"?`},
	{"catalogue.yaml", "title: {zh: 借期, en: Loan date}", "title: {zh: 借期}", `"en" is missing`},
	{"catalogue.yaml", "    basis: who\n", "    basis: who\n    colour: red\n", `ANY unknown word "colour"`},

	{"purposes.yaml", "legal_basis: 馆规\n    departments: [借阅处]", "legal_basis: \"\"\n    departments: [借阅处]", `ANY purpose "reading" needs a legal_basis, departments and proof`},
	{"purposes.yaml", "proof: [清单]", "proof: []", `ANY purpose "weeding" needs a legal_basis, departments and proof`},
	{"purposes.yaml", "id: weeding", "id: reading", `id "reading" stands twice`},

	{"roles.yaml", "kind: internal", "kind: intern", `kind "intern" is not known; did you mean "internal"?`},
	{"roles.yaml", "id: guest_reader", "id: guest", `role id "guest" needs an underscore`},
	{"roles.yaml", "id: guest_reader", "id: lending_clerk", `id "lending_clerk" stands twice`},

	{"limits.yaml", "role: guest_reader", "role: guest_raeder", `role "guest_raeder" is not defined; did you mean "guest_reader"?`},
	{"limits.yaml", "role: guest_reader", "role: lending_clerk", `role "lending_clerk" has a limit already`},
	{"limits.yaml", "  - {role: guest_reader, requests_per_minute: 6, burst: 1, persons_per_day: 2}\n", "", `FILE: role "guest_reader" has no limit; every role needs one`},
	{"limits.yaml", "requests_per_minute: 6,", "requests_per_minute: 0,", `limits of role "guest_reader" start at 1`},
	{"limits.yaml", "burst: 1,", "burst: -1,", `limits of role "guest_reader" start at 1`},
	{"limits.yaml", "persons_per_day: 2}", "persons_per_day: 0}", `limits of role "guest_reader" start at 1`},

	{"resources.yaml", "fields: [reader, title,", "fields: [reader, titel,", `field "titel" is not defined; did you mean "title"?`},
	{"resources.yaml", "fields: [reader, title,", "fields: [reader, title, title,", `field "title" stands twice`},
	{"resources.yaml", "person: reader\n", "person: raeder\n", `person "raeder" is not one of the resource's fields; did you mean "reader"?`},
	{"resources.yaml", "source: store", "source: The Store", `source "The Store" is not [a-z]`},
	{"resources.yaml", "id: book-list", "id: book-get", `id "book-get" stands twice`},
	{"resources.yaml", "method: GET\n", "method: PUT\n", `method "PUT" is not GET or POST`},
	{"resources.yaml", "upstream: {method: GET,", "upstream: {method: GETT,", `method "GETT" is not GET or POST; did you mean "GET"?`},
	{"resources.yaml", "path: /v1/books/get", "path: v1/books/get", `a path starts with /`},
	{"resources.yaml", "path: /v1/books/get", "path: /v1/books%2fget", `segment "books%2fget" is neither plain nor a {parameter}`},
	{"resources.yaml", "path: /v1/shelves/{shelf}/books", "path: /v1/shelves/{shelve}/books", `path "/v1/shelves/{shelve}/books" has no {shelf}`},
	{"resources.yaml", `"/b/{no}"`, `"/b/{no}/{x}"`, `no parameter fills {x}`},
	{"resources.yaml", `"/b/{no}"`, `"/b/x"`, `path "/b/x" has no {no}`},
	{"resources.yaml", "type: identifier, required: true,", "type: identifier,", `ANY parameter "shelf" stands in a path and must be required`},
	{"resources.yaml", "method: GET\n        path: /v1/shelves/{shelf}/books", "method: POST\n        path: /v1/{shelf}/get", `ANY route "book-list" takes the same requests as "book-get"`},
	{"resources.yaml", "path: /b/get, timeout: 2s", "path: /b/get, timeout: 2", `timeout "2" is not between`},
	{"resources.yaml", "path: /b/get, timeout: 2s", "path: /b/get, timeout: 61s", `timeout "61s" is not between`},
	{"resources.yaml", "path: /b/get, timeout: 2s", "path: /b/get, timeout: 0s", `timeout "0s" is not between`},
	{"resources.yaml", "path: /b/get, timeout: 2s", "path: /b/get, timeout: -2s", `timeout "-2s" is not between`},
	{"resources.yaml", "{at: /code, type: integer}", "{at: /code, type: interger}", `envelope type "interger" is not known; did you mean "integer"?`},
	{"resources.yaml", "{at: /code, type: integer}", "{at: code, type: integer}", `"code" is not a path such as /data/total`},
	{"resources.yaml", ", allowed: [ok, none]", "", `a token at "/state" needs the list of words allowed`},
	{"resources.yaml", "type: citizen_id", "type: citizenid", `type "citizenid" is not known; did you mean "citizen_id"?`},
	{"resources.yaml", "in: query, type: integer", "in: qurey, type: integer", `place "qurey" is not known; did you mean "query"?`},
	{"resources.yaml", "min: 1, max: 99,", "min: 1,", `parameter "page" of type integer needs min and max`},
	{"resources.yaml", "min: 1, max: 99,", "min: 9, max: 1,", `parameter "page" of type integer needs min and max`},
	{"resources.yaml", "min: 1, max: 99,", "min: -1, max: 9,", `parameter "page" of type integer needs min and max`},
	{"resources.yaml", "max: 40", "max: 201", `parameter "shelf_name": text is at most 200 characters`},
	{"resources.yaml", "as: shelf}", "as: rid}", `parameter "shelf_name", or the name it is sent as, stands twice`},
	{"resources.yaml", "name: shelf_name", "name: reader_id", `parameter "reader_id", or the name it is sent as, stands twice`},
	{"resources.yaml", "name: page", "name: pa ge", `parameter name "pa ge" is not`},
	{"resources.yaml", "send: {in: query, as: p}", `send: {in: query, as: "p&q"}`, `parameter name "p&q" is not`},
	{"resources.yaml", "send: {in: query, as: p}", "send: {in: body, as: p}", `parameter "page" stands in a body, which only POST has`},
	{"resources.yaml", "in: query, type: integer", "in: body, type: integer", `parameter "page" stands in a body, which only POST has`},
	{"resources.yaml", "send: {in: body, as: rid}", "send: {in: query, as: rid}", `parameter "reader_id" names a person and may stand in a body only`},
	{"resources.yaml", "name: reader_id, in: body,", "name: reader_id, in: query,", `parameter "reader_id" names a person and may stand in a body only`},
	{"resources.yaml", "name: page, in: query, type: integer,", "name: page, in: query, type: text,", `parameter "page" names a person and may stand in a body only`},
	{"resources.yaml", "name: page, in: query, type: integer,", "name: page, in: query, type: integer, person: true,", `parameter "page" names a person and may stand in a body only`},

	{"scopes.yaml", "loan_date: year", "loan_data: year", `field "loan_data" of scope "narrow" is not in the catalogue; did you mean "loan_date"?`},
	{"scopes.yaml", "loan_date: year", "loan_date: yaer", `transform "yaer" is not known; did you mean "year"?`},
	{"scopes.yaml", "loan_date: year", `loan_date: ""`, `transform "" is not known`},
	{"scopes.yaml", "loan_date: year", "mark: clear", `field "mark" has level control and is never released`},
	{"scopes.yaml", "loan_date: year", "audit: keep 1+0", `field "audit" has level drop and is never released`},
	{"scopes.yaml", "reader: keep 1+2", "reader: keep 0+0", `transform "keep 0+0" keeps nothing; write remove`},
	{"scopes.yaml", "reader: pseudonym", "reader: remove", `ANY scope "named" releases no field`},
	{"scopes.yaml", "[reading, weeding]", "[reading, weding]", `purpose "weding" is not defined; did you mean "weeding"?`},
	{"scopes.yaml", "id: named", "id: narrow", `id "narrow" stands twice`},

	{"policy.csv", "p, lending_clerk", "p, lending_clrek", `role "lending_clrek" is not defined; did you mean "lending_clerk"?`},
	{"policy.csv", "lending_clerk, reading", "lending_clerk, raeding", `purpose "raeding" is not defined; did you mean "reading"?`},
	{"policy.csv", "book, book-get", "boook, book-get", `resource "boook" is not defined; did you mean "book"?`},
	{"policy.csv", "book-get", "book-gte", `route "book-gte" is not defined; did you mean "book-get"?`},
	{"policy.csv", "narrow, allow", "narow, allow", `scope "narow" is not defined; did you mean "narrow"?`},
	{"policy.csv", "allow", "alow", `effect "alow" is not defined; did you mean "allow"?`},
	{"policy.csv", "allow", "ALLOW", `effect "ALLOW" is not defined`},
	{"policy.csv", "book-get", "*", `route "*" is not defined`},
	{"policy.csv", "guest_reader, reading, book, book-list, narrow, deny", "lending_clerk, reading, book, book-get, narrow, allow", `stands twice`},
	{"policy.csv", "guest_reader, reading, book, book-list, narrow", "guest_reader, weeding, book, book-list, named", `scope "named" is not for purpose "weeding" on resource "book"`},
	{"policy.csv", ", allow", "", `wants 7 columns`},
	{"policy.csv", ", allow", ", allow, allow", `wants 7 columns`},
	{"policy.csv", "p, lending_clerk", "p2, lending_clerk", `wants 7 columns: p,`},
	{"policy.csv", "p, lending_clerk", "g, lending_clerk", `wants 7 columns: p,`},
	// Names that a laxer reader would split, end or hide.
	{"policy.csv", "lending_clerk,", `"lending_clerk,x",`, `role "lending_clerk,x" is not defined`},
	{"policy.csv", "lending_clerk,", "\"lending_clerk\n\",", `role "lending_clerk\n" is not defined`},
	{"policy.csv", "lending_clerk,", "lending_clerk # x,", `role "lending_clerk # x" is not defined`},
	{"policy.csv", "lending_clerk,", "lending_clerk ,", `role "lending_clerk " is not defined`},
	{"policy.csv", "allow", "allow # not really", `effect "allow # not really" is not defined`},
	{"policy.csv", "lending_clerk,", `lending"clerk,`, `bare " in non-quoted`},
	{"policy.csv", "lending_clerk,", `"lending_clerk,`, `ANY extraneous or missing " in quoted`},
}

func TestLoadRefuses(t *testing.T) { refuses(t, loadRefusals) }

func refuses(t *testing.T, mistakes []refusal) {
	t.Helper()
	for _, tt := range mistakes {
		m, line := with(t, tt.file, tt.old, tt.replacement)
		name := fmt.Sprintf("%s: %q for %q", tt.file, tt.replacement, tt.old)
		s, err := Load(m)
		var ps strictyaml.Problems
		if s != nil || !errors.As(err, &ps) {
			t.Errorf("%s: accepted, or no Problems: %v", name, err)
			continue
		}
		found := false
		for _, p := range ps {
			text := p.String()
			switch {
			case strings.HasPrefix(tt.want, "ANY "):
				found = found || p.File == tt.file && p.Line > 0 && strings.Contains(text, strings.TrimPrefix(tt.want, "ANY "))
			case strings.HasPrefix(tt.want, "FILE"):
				found = found || strings.HasPrefix(text, tt.file+strings.TrimPrefix(tt.want, "FILE"))
			default:
				found = found || strings.Contains(text, tt.want) && strings.HasPrefix(text, fmt.Sprintf("%s:%d", tt.file, line))
			}
		}
		if !found {
			t.Errorf("%s: want line %d and %q, got\n%v", name, line, tt.want, err)
		}
	}
}

func TestPolicyMustPermitSomething(t *testing.T) {
	for _, text := range []string{"", "\n\n", "# p, lending_clerk, reading, book, book-get, narrow, allow\n"} {
		m := files()
		m["policy.csv"] = &fstest.MapFile{Data: []byte(text)}
		if _, err := Load(m); err == nil || !strings.Contains(err.Error(), "policy.csv: permits nothing") {
			t.Errorf("%q: %v", text, err)
		}
	}
	for _, text := range []string{"", " \n", "\xff\xfe"} {
		m := files()
		m["model.conf"] = &fstest.MapFile{Data: []byte(text)}
		if _, err := Load(m); err == nil || !strings.Contains(err.Error(), "model.conf: is empty or not valid UTF-8") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestMissingAndStrayFiles(t *testing.T) {
	for _, name := range Files() {
		m := files()
		delete(m, name)
		if _, err := Load(m); err == nil || err.Error() != name+": can't be read: it does not exist" {
			t.Errorf("without %s: %v", name, err)
		}
	}
	for name, want := range map[string]string{
		"scope.yaml":     `scope.yaml: is not part of a rules bundle; did you mean "scopes.yaml"?`,
		"Policy.csv":     `Policy.csv: is not part of a rules bundle; did you mean "policy.csv"?`,
		"policy.csv.bak": `policy.csv.bak: is not part of a rules bundle`,
		"more/x.yaml":    `more: is not part of a rules bundle`,
	} {
		m := files()
		m[name] = &fstest.MapFile{}
		if _, err := Load(m); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("with %s: %v", name, err)
		}
	}
	if _, err := Load(brokenFS{}); err == nil || !strings.Contains(err.Error(), "permission denied") {
		t.Errorf("unreadable folder: %v", err)
	}
}

type brokenFS struct{}

func (brokenFS) Open(name string) (fs.File, error) {
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrPermission}
}

// TestAllProblemsAtOnce: one run names what is wrong in every file.
func TestAllProblemsAtOnce(t *testing.T) {
	m := files()
	for file, edit := range map[string][2]string{
		"catalogue.yaml": {"level: sensitive", "level: sensible"},
		"limits.yaml":    {"burst: 10", "burst: 0"},
		"scopes.yaml":    {"loan_date: year", "loan_date: yaer"},
		"policy.csv":     {"allow", "alow"},
	} {
		m[file] = &fstest.MapFile{Data: []byte(strings.Replace(library[file], edit[0], edit[1], 1))}
	}
	_, err := Load(m)
	var ps strictyaml.Problems
	if !errors.As(err, &ps) || len(ps) != 4 {
		t.Errorf("want four problems, got\n%v", err)
	}
}
