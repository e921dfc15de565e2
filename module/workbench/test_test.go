package workbench

import (
	"errors"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"hukougate/module/strictyaml"
)

// library is a small bundle; its model.conf is the shipped one.
var library = map[string]string{
	"bundle.yaml": "name: library\nversion: 3\ntimezone: Asia/Shanghai\n",
	"catalogue.yaml": `fields:
  - {id: reader, title: {zh: 读者, en: Reader}, level: high, aliases: [READER]}
  - {id: title, title: {zh: 书名, en: Title}, level: general, aliases: [TITLE]}
  - {id: due, title: {zh: 还期, en: Due}, level: general, aliases: [DUE]}
  - {id: card, title: {zh: 卡号, en: Card}, level: general, aliases: [CARD]}
`,
	"purposes.yaml": "purposes:\n  - {id: reading, title: {zh: 阅读, en: Reading}, legal_basis: 甲, departments: [甲], proof: [甲]}\n",
	"roles.yaml":    "roles:\n  - {id: lending_clerk, title: {zh: 借阅员, en: Lending clerk}, kind: internal}\n",
	"limits.yaml":   "limits:\n  - {role: lending_clerk, requests_per_minute: 1, burst: 1, persons_per_day: 1}\n",
	"scopes.yaml":   "scopes:\n  - {id: desk, title: {zh: 窄, en: Desk}, purposes: [reading], resources: [book], fields: {title: clear, due: year, card: keep 1+1}}\n",
	"policy.csv":    "p, lending_clerk, reading, book, book-get, desk, allow\n",
	"resources.yaml": `resources:
  - id: book
    title: {zh: 书, en: Book}
    source: store
    person: reader
    fields: [reader, title, due, card]
    routes:
      - {id: book-get, title: {zh: 取, en: Get}, method: GET, path: /book, parameters: [], upstream: {method: GET, path: /b, timeout: 1s}, response: {media_type: application/json, max_bytes: 9, records: /l/*, envelope: []}}
      - {id: book-list, title: {zh: 列, en: List}, method: GET, path: /books, parameters: [], upstream: {method: GET, path: /b, timeout: 1s}, response: {media_type: application/json, max_bytes: 9, records: /l/*, envelope: []}}
`,
}

const head = `grants:
  - application: T-1
    caller: desk
    kind: internal
    role: lending_clerk
    purpose: reading
    legal_basis: 馆规
    scope: desk
    resources: [book]
    not_before: "2026-01-01T00:00:00+08:00"
    not_after: "2027-01-01T00:00:00+08:00"
    agreement_until: "2027-01-01T00:00:00+08:00"
tests:
`

// one is a decision test on line 14 with lines of its own.
func one(lines ...string) string {
	return head + "  - name: the test\n    caller: desk\n    application: T-1\n    route: book-get\n    at: \"2026-06-01T10:00:00+08:00\"\n    " + strings.Join(lines, "\n    ") + "\n"
}

func bundle(t *testing.T, tests map[string]string) fstest.MapFS {
	t.Helper()
	model, err := os.ReadFile("../../rules/model.conf")
	if err != nil {
		t.Fatal(err)
	}
	m := fstest.MapFS{"model.conf": {Data: model}}
	for name, text := range library {
		m[name] = &fstest.MapFile{Data: []byte(text)}
	}
	for name, text := range tests {
		m["tests/"+name] = &fstest.MapFile{Data: []byte(text)}
	}
	return m
}

func TestPassing(t *testing.T) {
	for name, text := range map[string]string{
		"allow":              one("expect: allow"),
		"releases":           one("expect: allow", "releases: {title: clear, due: year, card: keep 1+1}"),
		"withholds":          one("expect: allow", "withholds: [reader]"),
		"examples":           one("expect: allow", "examples:", "  - {field: title, value: 红楼梦, shows: 红楼梦}", `  - {field: due, value: "19000101", shows: "1900"}`, `  - {field: card, value: "12345", shows: "1****5"}`, `  - {field: card, value: "12", shows: "****"}`, "  - {field: reader, value: 甲, shows: \"\"}"),
		"expired":            strings.Replace(one("expect: grant_expired"), "2026-06-01", "2027-06-01", 1),
		"other route":        strings.Replace(one("expect: not_permitted"), "route: book-get", "route: book-list", 1),
		"unknown caller":     strings.Replace(one("expect: application_unknown"), "tests:\n  - name: the test\n    caller: desk", "tests:\n  - name: the test\n    caller: stranger", 1),
		"no application":     strings.Replace(one("expect: application_missing"), "    application: T-1\n    route", "    route", 1),
		"revoked":            strings.Replace(one("expect: grant_revoked"), "tests:", "    revoked: true\ntests:", 1),
		"external as intern": strings.Replace(one("expect: grant_invalid"), "kind: internal", "kind: external", 1),
	} {
		report, err := Test(bundle(t, map[string]string{"a.yaml": text}))
		if err != nil || report.Passed != 1 || len(report.Failures) != 0 {
			t.Errorf("%s: %+v, %v", name, report, err)
		}
	}
}

// TestFailing: a test that does not come out says what differs, and where.
func TestFailing(t *testing.T) {
	for name, tt := range map[string]struct{ text, want string }{
		"denied":            {strings.Replace(one("expect: allow"), "route: book-get", "route: book-list", 1), "got not_permitted, want allow"},
		"allowed":           {one("expect: not_permitted"), "got allow, want not_permitted"},
		"another reason":    {strings.Replace(one("expect: not_permitted"), "2026-06-01", "2027-06-01", 1), "got grant_expired, want not_permitted"},
		"no such reason":    {one("expect: not_allowed"), `expect "not_allowed" is neither allow nor a reason`},
		"no such route":     {strings.Replace(one("expect: allow"), "route: book-get", "route: book-gte", 1), `route "book-gte" is not in the rules`},
		"other transform":   {one("expect: allow", "releases: {title: clear, due: clear, card: keep 1+1}"), "due: got year, want clear"},
		"one too few":       {one("expect: allow", "releases: {title: clear, due: year}"), "card: released (keep 1+1), but the test does not list it"},
		"one too many":      {one("expect: allow", "releases: {title: clear, due: year, card: keep 1+1, reader: clear}"), "reader: got remove, want clear"},
		"none at all":       {one("expect: allow", "releases: {}"), "card: released (keep 1+1), but the test does not list it; due: released (year), but the test does not list it; title: released (clear), but the test does not list it"},
		"releases a typo":   {one("expect: allow", "releases: {titel: remove, title: clear, due: year, card: keep 1+1}"), `releases "titel", which is not in the catalogue`},
		"not withheld":      {one("expect: allow", "withholds: [reader, due]"), "due: released (year), must be withheld"},
		"withholds a typo":  {one("expect: allow", "withholds: [raeder]"), `withholds "raeder", which is not in the catalogue`},
		"another example":   {one("expect: allow", "examples:", `  - {field: card, value: "12345", shows: "12345"}`), `card: "12345" shows as "1****5", want "12345"`},
		"example of a typo": {one("expect: allow", "examples:", "  - {field: crad, value: a, shows: a}"), `example of "crad", which is not in the catalogue`},
		"hidden example":    {one("expect: allow", "examples:", "  - {field: reader, value: 甲, shows: 甲}"), `reader: "甲" shows as "", want "甲"`},
	} {
		report, err := Test(bundle(t, map[string]string{"a.yaml": tt.text}))
		if err != nil || report.Passed != 0 || len(report.Failures) != 1 {
			t.Errorf("%s: %+v, %v", name, report, err)
			continue
		}
		if got, want := report.Failures[0].String(), "tests/a.yaml:14: the test: "+tt.want; got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

// TestUnreadable: what can't be run is an error, never a test left out.
func TestUnreadable(t *testing.T) {
	for name, tt := range map[string]struct{ text, want string }{
		"empty":              {"", "tests/a.yaml: empty"},
		"unknown word":       {one("expct: allow"), `tests/a.yaml:19:5: unknown word "expct"; did you mean "expect"?`},
		"nothing expected":   {one("withholds: [reader]"), `"expect" is missing`},
		"no tests":           {strings.TrimSuffix(head, "tests:\n"), `"tests" is missing`},
		"no day":             {strings.Replace(one("expect: allow"), `at: "2026-06-01T10:00:00+08:00"`, "at: today", 1), `tests/a.yaml:18:9: "today" is not a time such as`},
		"grant's time":       {strings.Replace(one("expect: allow"), `not_after: "2027-01-01T00:00:00+08:00"`, "not_after: later", 1), `tests/a.yaml:11:16: "later" is not a time such as`},
		"kind":               {strings.Replace(one("expect: allow"), "kind: internal", "kind: intern", 1), `tests/a.yaml:4:11: kind "intern" is not known; did you mean "internal"?`},
		"application twice":  {strings.Replace(one("expect: allow"), "tests:", strings.TrimSuffix(strings.TrimPrefix(head, "grants:\n"), "tests:\n")+"tests:", 1), "application T-1 is granted twice"},
		"a caller two kinds": {strings.Replace(one("expect: allow"), "tests:", strings.NewReplacer("T-1", "T-2", "internal", "external").Replace(strings.TrimSuffix(strings.TrimPrefix(head, "grants:\n"), "tests:\n"))+"tests:", 1), `caller "desk" is internal in another grant of this file`},
	} {
		report, err := Test(bundle(t, map[string]string{"a.yaml": tt.text, "b.yaml": one("expect: allow")}))
		if err == nil || !strings.Contains(err.Error(), tt.want) || report.Passed != 0 {
			t.Errorf("%s: %+v, %v, want %q", name, report, err, tt.want)
		}
	}
	if _, err := Test(bundle(t, nil)); err == nil || !strings.Contains(err.Error(), "no decision tests in tests/*.yaml") {
		t.Errorf("no tests: %v", err)
	}
	broken := bundle(t, map[string]string{"a.yaml": one("expect: allow")})
	broken["limits.yaml"] = &fstest.MapFile{Data: []byte("limits: []\n")}
	var ps strictyaml.Problems
	if _, err := Test(broken); !errors.As(err, &ps) {
		t.Errorf("broken rules: %v", err)
	}
}

// TestFilesDoNotShareGrants: each file is tested with its own grants, all are
// tested, and other files in the folder are none.
func TestFilesDoNotShareGrants(t *testing.T) {
	other := strings.ReplaceAll(one("expect: allow"), "T-1", "T-2")
	foreign := strings.Replace(one("expect: application_unknown"), "    application: T-1\n    route", "    application: T-2\n    route", 1)
	report, err := Test(bundle(t, map[string]string{"a.yaml": one("expect: allow"), "b.yaml": other, "c.yaml": foreign, "d.txt": "no test", "e.yaml": one("expect: not_permitted")}))
	if err != nil || report.Passed != 3 || len(report.Failures) != 1 || report.Failures[0].File != "tests/e.yaml" {
		t.Errorf("%+v, %v", report, err)
	}
}
