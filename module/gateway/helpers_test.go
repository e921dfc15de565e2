package gateway

import (
	"bufio"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"hukougate/module/keys"
	"hukougate/module/rules"
)

// library is a small bundle whose routes have a parameter of every type, in
// every place. Its model.conf is the shipped one.
var library = map[string]string{
	"bundle.yaml":    "name: library\nversion: 3\ntimezone: Asia/Shanghai\n",
	"catalogue.yaml": "fields:\n  - {id: reader, title: {zh: 读者, en: Reader}, level: high, aliases: [READER]}\n",
	"purposes.yaml":  "purposes:\n  - {id: reading, title: {zh: 阅读, en: Reading}, legal_basis: 甲, departments: [甲], proof: [甲]}\n",
	"roles.yaml":     "roles:\n  - {id: lending_clerk, title: {zh: 借阅员, en: Lending clerk}, kind: internal}\n",
	"limits.yaml":    "limits:\n  - {role: lending_clerk, requests_per_minute: 1, burst: 1, persons_per_day: 1}\n",
	"scopes.yaml":    "scopes:\n  - {id: desk, title: {zh: 窄, en: Desk}, purposes: [reading], resources: [book], fields: {reader: clear}}\n",
	"policy.csv":     "p, lending_clerk, reading, book, book-get, desk, allow\n",
	"resources.yaml": `resources:
  - id: book
    title: {zh: 书, en: Book}
    source: store
    person: reader
    fields: [reader]
    routes:
      - id: book-get
        title: {zh: 取, en: Get}
        method: POST
        path: /v1/books/get
        parameters:
          - {name: reader, in: body, type: citizen_id, required: true, person: true, send: {in: body, as: rid}}
          - {name: guarantor, in: body, type: citizen_id, person: true, send: {in: body, as: gid}}
          - {name: title, in: body, type: text, min: 2, max: 5, send: {in: body, as: t}}
          - {name: count, in: body, type: integer, min: 0, max: 50, send: {in: body, as: n}}
          - {name: day, in: body, type: date, send: {in: query, as: d}}
          - {name: shelf, in: body, type: identifier, send: {in: query, as: s}}
        upstream: {method: POST, path: /b/get, timeout: 2s}
        response: {media_type: application/json, max_bytes: 64, records: /l/*, envelope: []}
      - id: book-list
        title: {zh: 列, en: List}
        method: GET
        path: /v1/divisions/{division}/books
        parameters:
          - {name: division, in: path, type: division, required: true, send: {in: path, as: no}}
          - {name: page, in: query, type: integer, required: true, min: 1, max: 99, send: {in: query, as: p}}
          - {name: shelf, in: query, type: identifier, send: {in: query, as: s}}
        upstream: {method: GET, path: "/b/{no}/list", timeout: 2s}
        response: {media_type: application/json, max_bytes: 64, records: /l/*, envelope: []}
      - id: book-move
        title: {zh: 移, en: Move}
        method: POST
        path: /v1/divisions/{division}/books
        parameters:
          - {name: division, in: path, type: division, required: true, send: {in: body, as: no}}
        upstream: {method: POST, path: /b/move, timeout: 2s}
        response: {media_type: application/json, max_bytes: 64, records: /l/*, envelope: []}
`,
}

func snapshot(t testing.TB) *rules.Snapshot {
	t.Helper()
	model, err := os.ReadFile("../../rules/model.conf")
	if err != nil {
		t.Fatal(err)
	}
	files := fstest.MapFS{"model.conf": {Data: model}}
	for name, text := range library {
		files[name] = &fstest.MapFile{Data: []byte(text)}
	}
	s, err := rules.Load(files)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// parsed reads a request as the HTTP server does, or gives nil when no server
// would pass it on.
func parsed(method, target, body string, header ...string) *http.Request {
	lines := append([]string{method + " " + target + " HTTP/1.1", "Host: gate", fmt.Sprintf("Content-Length: %d", len(body))}, header...)
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(strings.Join(lines, "\r\n") + "\r\n\r\n" + body)))
	if err != nil {
		return nil
	}
	return r
}

// deadlines is a connection whose read deadline can be set.
type deadlines struct {
	http.ResponseWriter
	set []time.Time
}

func (d *deadlines) SetReadDeadline(t time.Time) error {
	d.set = append(d.set, t)
	return nil
}

const jsonHeader = "Content-Type: application/json"

// checked completes 17 digits to an identity number (GB 11643-1999 appendix A).
func checked(first17 string) string {
	weights := [...]int{7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2}
	sum := 0
	for i, w := range weights {
		sum += int(first17[i]-'0') * w
	}
	return first17 + string("10X98765432"[sum%11])
}

// withX is a number whose check character is X.
func withX(t testing.TB) string {
	t.Helper()
	for n := range 1000 {
		if id := checked(fmt.Sprintf("11010518800101%03d", n)); strings.HasSuffix(id, "X") {
			return id
		}
	}
	t.Fatal("no number ends with X")
	return ""
}

var someone = checked("11010518800101001")

func key(t testing.TB, name keys.Name) keys.Key {
	t.Helper()
	k, err := keys.New(name, 1, []byte("a secret of thirty-two bytes, al"))
	if err != nil {
		t.Fatal(err)
	}
	return k
}
