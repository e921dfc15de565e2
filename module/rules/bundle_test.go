package rules

import (
	"strings"
	"testing"
	"testing/fstest"
)

// library is a small bundle that uses every word of the files.
var library = map[string]string{
	"bundle.yaml": `name: library
version: 3
timezone: Asia/Shanghai
`,
	"catalogue.yaml": `fields:
  - id: reader
    title: {zh: 读者, en: Reader}
    level: high
    aliases: [READER, reader_no]
    standard: GB 11643-1999
    basis: who
  - id: title
    title: {zh: 书名, en: Title}
    level: general
    aliases: [TITLE]
  - id: title_text
    title: {zh: 书名文字, en: Title in words}
    level: general
    aliases: [TITLEHZ]
    twin_of: title
  - id: loan_date
    title: {zh: 借期, en: Loan date}
    level: sensitive
    aliases: [LOAN]
  - id: mark
    title: {zh: 标记, en: Mark}
    level: control
    aliases: [MARK]
  - id: audit
    title: {zh: 审计, en: Audit}
    level: drop
    aliases: [AUDIT]
`,
	"purposes.yaml": `purposes:
  - id: reading
    title: {zh: 阅读, en: Reading}
    legal_basis: 馆规
    departments: [借阅处]
    proof: [读者证]
  - id: weeding
    title: {zh: 剔旧, en: Weeding}
    legal_basis: 馆规
    departments: [典藏处]
    proof: [清单]
`,
	"roles.yaml": `roles:
  - id: lending_clerk
    title: {zh: 借阅员, en: Lending clerk}
    kind: internal
  - id: guest_reader
    title: {zh: 外来读者, en: Guest reader}
    kind: external
`,
	"limits.yaml": `limits:
  - {role: lending_clerk, requests_per_minute: 60, burst: 10, persons_per_day: 100}
  - {role: guest_reader, requests_per_minute: 6, burst: 1, persons_per_day: 2}
`,
	"resources.yaml": `resources:
  - id: book
    title: {zh: 书, en: Book}
    source: store
    person: reader
    fields: [reader, title, title_text, loan_date, mark, audit]
    routes:
      - id: book-get
        title: {zh: 取, en: Get}
        method: POST
        path: /v1/books/get
        parameters:
          - {name: reader_id, in: body, type: citizen_id, required: true, person: true, send: {in: body, as: rid}}
          - {name: shelf_name, in: body, type: text, min: 1, max: 40, send: {in: body, as: shelf}}
        upstream: {method: POST, path: /b/get, timeout: 2s}
        response:
          media_type: application/json
          max_bytes: 4096
          records: /data/list/*
          envelope:
            - {at: /code, type: integer}
            - {at: /state, type: token, allowed: [ok, none]}
      - id: book-list
        title: {zh: 列, en: List}
        method: GET
        path: /v1/shelves/{shelf}/books
        parameters:
          - {name: shelf, in: path, type: identifier, required: true, send: {in: path, as: no}}
          - {name: page, in: query, type: integer, min: 1, max: 99, send: {in: query, as: p}}
        upstream: {method: GET, path: "/b/{no}", timeout: 2s}
        response:
          media_type: application/json
          max_bytes: 4096
          records: /data/list/*
          envelope: []
`,
	"scopes.yaml": `scopes:
  - id: narrow
    title: {zh: 窄, en: Narrow}
    purposes: [reading, weeding]
    resources: [book]
    fields:
      loan_date: year
      title: clear
      reader: keep 1+2
      title_text: remove
  - id: named
    title: {zh: 列名, en: Named}
    purposes: [reading]
    resources: [book]
    named_items: true
    fields:
      reader: pseudonym
`,
	"model.conf": "[request_definition]\nr = caller\n",
	"policy.csv": `# role, purpose, resource, route, scope
p, lending_clerk, reading, book, book-get, narrow, allow
p, guest_reader, reading, book, book-list, narrow, deny
`,
}

func files() fstest.MapFS {
	m := fstest.MapFS{}
	for name, text := range library {
		m[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return m
}

// with is the library with one text of one file replaced, and the number of the
// line on which the replacement begins.
func with(t *testing.T, file, old, replacement string) (fstest.MapFS, int) {
	t.Helper()
	text := library[file]
	if strings.Count(text, old) != 1 {
		t.Fatalf("%q stands %d times in %s, want once", old, strings.Count(text, old), file)
	}
	m := files()
	m[file] = &fstest.MapFile{Data: []byte(strings.Replace(text, old, replacement, 1))}
	return m, 1 + strings.Count(text[:strings.Index(text, old)], "\n")
}
