package policy

import (
	"os"
	"testing"
	"testing/fstest"
	"time"

	"hukougate/module/access"
	"hukougate/module/rules"
)

// library is a small bundle with two of everything, so that each term of the
// matcher has something to tell apart. Its model.conf is the shipped one.
var library = map[string]string{
	"bundle.yaml": "name: library\nversion: 3\ntimezone: Asia/Shanghai\n",
	"catalogue.yaml": `fields:
  - {id: reader, title: {zh: 读者, en: Reader}, level: high, aliases: [READER]}
  - {id: title, title: {zh: 书名, en: Title}, level: general, aliases: [TITLE]}
  - {id: shelf, title: {zh: 书架, en: Shelf}, level: general, aliases: [SHELF]}
  - {id: length, title: {zh: 片长, en: Length}, level: general, aliases: [LENGTH]}
`,
	"purposes.yaml": `purposes:
  - {id: reading, title: {zh: 阅读, en: Reading}, legal_basis: 甲, departments: [甲], proof: [甲]}
  - {id: weeding, title: {zh: 剔旧, en: Weeding}, legal_basis: 甲, departments: [甲], proof: [甲]}
`,
	"roles.yaml": `roles:
  - {id: lending_clerk, title: {zh: 借阅员, en: Lending clerk}, kind: internal}
  - {id: shelf_clerk, title: {zh: 书架员, en: Shelf clerk}, kind: internal}
  - {id: guest_reader, title: {zh: 外来读者, en: Guest reader}, kind: external}
`,
	"limits.yaml": `limits:
  - {role: lending_clerk, requests_per_minute: 1, burst: 1, persons_per_day: 1}
  - {role: shelf_clerk, requests_per_minute: 1, burst: 1, persons_per_day: 1}
  - {role: guest_reader, requests_per_minute: 1, burst: 1, persons_per_day: 1}
`,
	"resources.yaml": `resources:
  - id: book
    title: {zh: 书, en: Book}
    source: store
    person: reader
    fields: [reader, title, shelf]
    routes:
      - {id: book-get, title: {zh: 取, en: Get}, method: GET, path: /book, parameters: [], upstream: {method: GET, path: /b, timeout: 1s}, response: {media_type: application/json, max_bytes: 9, records: /l/*, envelope: []}}
      - {id: book-list, title: {zh: 列, en: List}, method: GET, path: /books, parameters: [], upstream: {method: GET, path: /b, timeout: 1s}, response: {media_type: application/json, max_bytes: 9, records: /l/*, envelope: []}}
  - id: film
    title: {zh: 片, en: Film}
    source: store
    person: reader
    fields: [reader, length]
    routes:
      - {id: film-get, title: {zh: 取, en: Get}, method: GET, path: /film, parameters: [], upstream: {method: GET, path: /f, timeout: 1s}, response: {media_type: application/json, max_bytes: 9, records: /l/*, envelope: []}}
`,
	"scopes.yaml": `scopes:
  - {id: narrow, title: {zh: 窄, en: Narrow}, purposes: [reading, weeding], resources: [book, film], fields: {title: clear, length: clear}}
  - {id: wide, title: {zh: 宽, en: Wide}, purposes: [reading, weeding], resources: [book, film], fields: {title: clear, shelf: keep 1+0, length: clear}}
  - {id: named, title: {zh: 列名, en: Named}, purposes: [reading], resources: [book], named_items: true, fields: {title: clear, shelf: clear}}
  - {id: weeders, title: {zh: 剔旧, en: Weeders}, purposes: [weeding], resources: [book], fields: {title: clear}}
`,
	"policy.csv": `# role, purpose, resource, route, scope
p, lending_clerk, reading, book, book-get, narrow, allow
p, lending_clerk, reading, book, book-get, named, allow
p, lending_clerk, reading, film, film-get, narrow, allow
p, shelf_clerk, reading, book, book-list, narrow, allow
p, guest_reader, reading, book, book-get, narrow, allow
`,
}

func shippedModel(t testing.TB) string {
	t.Helper()
	text, err := os.ReadFile("../../rules/model.conf")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func snapshot(t testing.TB) *rules.Snapshot {
	t.Helper()
	files := fstest.MapFS{"model.conf": {Data: []byte(shippedModel(t))}}
	for name, text := range library {
		files[name] = &fstest.MapFile{Data: []byte(text)}
	}
	s, err := rules.Load(files)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

var (
	june    = time.Date(2026, 6, 1, 10, 0, 0, 0, time.UTC)
	january = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	newYear = time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
)

// grant is one that permits book-get, after the changes.
func grant(changes ...func(*access.Grant)) access.Grant {
	g := access.Grant{
		Application: "APP-1", Revision: 4, Caller: "desk", Unit: "示例馆", Role: "lending_clerk", Purpose: "reading", LegalBasis: "馆规第一条",
		Scope: "narrow", Resources: []string{"book", "film"}, NotBefore: january, NotAfter: newYear, Agreement: newYear,
		Budget: access.GrantBudget{RequestsPerMinute: 7, PersonsPerDay: 8}, Digest: "d",
	}
	for _, change := range changes {
		change(&g)
	}
	return g
}

func desk(id string) access.Caller {
	return access.Caller{ID: id, Kind: access.Internal, Proofs: []access.Proof{access.ProofAPIKey}}
}

func newDecider(t testing.TB, s *rules.Snapshot, grants ...access.Grant) *Decider {
	t.Helper()
	d, err := New(s, grants)
	if err != nil {
		t.Fatal(err)
	}
	return d
}
