package gateway

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"

	"hukougate/module/access"
	"hukougate/module/jsonlex"
	"hukougate/module/keys"
	"hukougate/module/rules"
)

var whole = fmt.Sprintf(`{"shelf":"a-1","count":7,"reader":%q}`, someone)

var calls = map[string]struct {
	request *http.Request
	want    access.Reason
	text    []string // of the call, when accepted
}{
	"body, in the route's order": {parsed("POST", "/v1/books/get", whole, jsonHeader), "", []string{"book-get", "reader", someone, "count", "7", "shelf", "a-1"}},
	"required only":              {parsed("POST", "/v1/books/get", fmt.Sprintf(`{"reader":%q}`, someone), jsonHeader), "", []string{"book-get", "reader", someone}},
	"path and query":             {parsed("GET", "/v1/divisions/110105/books?shelf=x&page=2", ""), "", []string{"book-list", "division", "110105", "page", "2", "shelf", "x"}},
	"path in a POST":             {parsed("POST", "/v1/divisions/110105/books", "{}", jsonHeader), "", []string{"book-move", "division", "110105"}},
	"escaped query":              {parsed("GET", "/v1/divisions/110105/books?%70age=%32", ""), "", []string{"book-list", "division", "110105", "page", "2"}},
	"utf-8 said":                 {parsed("POST", "/v1/books/get", whole, "Content-Type: application/json; charset=UTF-8"), "", []string{"book-get", "reader", someone, "count", "7", "shelf", "a-1"}},

	"unknown path":        {parsed("GET", "/v1/books", ""), access.RouteUnknown, nil},
	"root":                {parsed("GET", "/", ""), access.RouteUnknown, nil},
	"other case":          {parsed("POST", "/v1/Books/get", whole, jsonHeader), access.RouteUnknown, nil},
	"escape":              {parsed("POST", "/v1/books/%67et", whole, jsonHeader), access.PathNotCanonical, nil},
	"escaped slash":       {parsed("POST", "/v1%2fbooks/get", whole, jsonHeader), access.PathNotCanonical, nil},
	"doubled slash":       {parsed("POST", "/v1//books/get", whole, jsonHeader), access.PathNotCanonical, nil},
	"leading slashes":     {parsed("POST", "//v1/books/get", whole, jsonHeader), access.PathNotCanonical, nil},
	"trailing slash":      {parsed("POST", "/v1/books/get/", whole, jsonHeader), access.PathNotCanonical, nil},
	"dot segment":         {parsed("POST", "/v1/./books/get", whole, jsonHeader), access.PathNotCanonical, nil},
	"dot dot segment":     {parsed("POST", "/v1/x/../books/get", whole, jsonHeader), access.PathNotCanonical, nil},
	"semicolon":           {parsed("POST", "/v1/books/get;x=1", whole, jsonHeader), access.PathNotCanonical, nil},
	"backslash":           {parsed("POST", `/v1/books\get`, whole, jsonHeader), access.PathNotCanonical, nil},
	"space":               {parsed("POST", "/v1/books/get%20", whole, jsonHeader), access.PathNotCanonical, nil},
	"null":                {parsed("POST", "/v1/books/get%00", whole, jsonHeader), access.PathNotCanonical, nil},
	"not ASCII":           {parsed("POST", "/v1/书/get", whole, jsonHeader), access.PathNotCanonical, nil},
	"fragment":            {parsed("POST", "/v1/books/get#x", whole, jsonHeader), access.PathNotCanonical, nil},
	"absolute form":       {parsed("POST", "http://gate/v1/books/get", whole, jsonHeader), access.PathNotCanonical, nil},
	"asterisk form":       {parsed("OPTIONS", "*", ""), access.PathNotCanonical, nil},
	"authority form":      {parsed("CONNECT", "gate:443", ""), access.PathNotCanonical, nil},
	"wrong method":        {parsed("GET", "/v1/books/get", ""), access.MethodNotAllowed, nil},
	"HEAD is not GET":     {parsed("HEAD", "/v1/divisions/110105/books?page=1", ""), access.MethodNotAllowed, nil},
	"method in lower":     {parsed("post", "/v1/books/get", whole, jsonHeader), access.MethodNotAllowed, nil},
	"empty query":         {parsed("GET", "/v1/divisions/110105/books?", ""), access.ParameterInvalid, nil},
	"missing query":       {parsed("GET", "/v1/divisions/110105/books", ""), access.ParameterMissing, nil},
	"duplicate query":     {parsed("GET", "/v1/divisions/110105/books?page=1&page=1", ""), access.ParameterDuplicate, nil},
	"unknown query":       {parsed("GET", "/v1/divisions/110105/books?page=1&debug=1", ""), access.ParameterUnknown, nil},
	"query in other case": {parsed("GET", "/v1/divisions/110105/books?page=1&Shelf=x", ""), access.ParameterUnknown, nil},
	"path value in query": {parsed("GET", "/v1/divisions/110105/books?page=1&division=110105", ""), access.ParameterUnknown, nil},
	"wrong path value":    {parsed("GET", "/v1/divisions/010105/books?page=1", ""), access.ParameterInvalid, nil},
	"body on GET":         {parsed("GET", "/v1/divisions/110105/books?page=1", "{}"), access.RequestBodyInvalid, nil},
	"query on a POST":     {parsed("POST", "/v1/books/get?reader="+someone, whole, jsonHeader), access.ParameterUnknown, nil},
	"query for a body":    {parsed("POST", "/v1/books/get?count=1", fmt.Sprintf(`{"reader":%q}`, someone), jsonHeader), access.ParameterUnknown, nil},
	"unknown member":      {parsed("POST", "/v1/books/get", fmt.Sprintf(`{"reader":%q,"all":true}`, someone), jsonHeader), access.ParameterUnknown, nil},
	"number as text":      {parsed("POST", "/v1/books/get", fmt.Sprintf(`{"reader":%q,"count":"7"}`, someone), jsonHeader), access.ParameterInvalid, nil},
	"text as number":      {parsed("POST", "/v1/books/get", `{"reader":110105188001010010}`, jsonHeader), access.ParameterInvalid, nil},
	"a boolean":           {parsed("POST", "/v1/books/get", fmt.Sprintf(`{"reader":%q,"shelf":true}`, someone), jsonHeader), access.ParameterInvalid, nil},
	"a number, boolean":   {parsed("POST", "/v1/books/get", fmt.Sprintf(`{"reader":%q,"count":false}`, someone), jsonHeader), access.ParameterInvalid, nil},
	"no body":             {parsed("POST", "/v1/books/get", "", jsonHeader), access.RequestBodyInvalid, nil},
	"no content type":     {parsed("POST", "/v1/books/get", whole), access.RequestTypeInvalid, nil},
}

func TestParseCall(t *testing.T) {
	s := snapshot(t)
	for name, tt := range calls {
		if tt.request == nil {
			t.Errorf("%s: no server would pass this on", name)
			continue
		}
		c, allow, why := parseCall(s, tt.request, collectBody(tt.request))
		if why != tt.want || (why == access.MethodNotAllowed) != (len(allow) > 0) {
			t.Errorf("%s: %q, allow %v, want %q", name, why, allow, tt.want)
			continue
		}
		if why == "" && !reflect.DeepEqual(c.text(), tt.text) {
			t.Errorf("%s: %q, want %q", name, c.text(), tt.text)
		}
		if why != "" && len(c.values) > 0 {
			t.Errorf("%s: refused, yet holds %d values", name, len(c.values))
		}
	}
	put := parsed("PUT", "/v1/divisions/110105/books", "")
	if _, allow, _ := parseCall(s, put, collectBody(put)); !reflect.DeepEqual(allow, []string{"GET", "POST"}) {
		t.Errorf("allow %v", allow)
	}
}

func TestParseQuery(t *testing.T) {
	for raw, want := range map[string]map[string]string{ // nil: refused
		"a=1": {"a": "1"}, "a=": {"a": ""}, "=1": {"": "1"}, "a=1&b=2": {"a": "1", "b": "2"}, "a=1=2": {"a": "1=2"}, "a=+%2B": {"a": " +"},
		"%61=%E4%B9%A6": {"a": "书"}, "a=1?b=2": {"a": "1?b=2"}, "a=%00": {"a": "\x00"},
		"": nil, "a": nil, "&": nil, "a=1&": nil, "&a=1": nil, "a=1&&b=2": nil, "a=1;b=2": nil, "a=%": nil, "a=%zz": nil, "%zz=1": nil, "a=%ff": nil, "%ff=1": nil, "a=\xff": nil,
		strings.Repeat("a", maxQueryBytes) + "=1": nil,
	} {
		got, why := parseQuery(raw, true)
		texts := map[string]string{}
		for name, g := range got {
			texts[name] = g.text
			if g.kind != jsonlex.String {
				t.Errorf("%q: %q is of kind %v", raw, name, g.kind)
			}
		}
		if want == nil && (why != access.ParameterInvalid || got != nil) || want != nil && (why != "" || !maps.Equal(texts, want)) {
			t.Errorf("%q: %q, %q, want %q", raw, texts, why, want)
		}
	}
	for _, raw := range []string{"a=1&a=1", "a=1&b=2&a=3", "a=1&%61=2", "a=&a="} {
		if got, why := parseQuery(raw, true); why != access.ParameterDuplicate || got != nil {
			t.Errorf("%q: %v, %q, want a duplicate", raw, got, why)
		}
	}
	if got, why := parseQuery("", false); why != "" || len(got) != 0 {
		t.Errorf("no query: %v, %q", got, why)
	}
}

func TestParseBody(t *testing.T) {
	for name, tt := range map[string]struct {
		body   string
		header []string
		want   access.Reason
	}{
		"empty object":      {`{}`, []string{jsonHeader}, ""},
		"members":           {`{"a":"x","b":1,"c":true}`, []string{jsonHeader}, ""},
		"largest":           {`{"a":"` + strings.Repeat("x", maxRequestBody-8) + `"}`, []string{jsonHeader}, ""},
		"too large":         {`{"a":"` + strings.Repeat("x", maxRequestBody-7) + `"}`, []string{jsonHeader}, access.RequestBodyTooLarge},
		"too large, spaces": {`{}` + strings.Repeat(" ", maxRequestBody), []string{jsonHeader}, access.RequestBodyTooLarge},
		"empty":             {``, []string{jsonHeader}, access.RequestBodyInvalid},
		"an array":          {`[]`, []string{jsonHeader}, access.RequestBodyInvalid},
		"a string":          {`"a"`, []string{jsonHeader}, access.RequestBodyInvalid},
		"null":              {`null`, []string{jsonHeader}, access.RequestBodyInvalid},
		"nested":            {`{"a":{"b":1}}`, []string{jsonHeader}, access.RequestBodyInvalid},
		"list value":        {`{"a":["b"]}`, []string{jsonHeader}, access.RequestBodyInvalid},
		"null value":        {`{"a":null}`, []string{jsonHeader}, access.RequestBodyInvalid},
		"fraction":          {`{"a":1.0}`, []string{jsonHeader}, access.RequestBodyInvalid},
		"exponent":          {`{"a":1e3}`, []string{jsonHeader}, access.RequestBodyInvalid},
		"leading zero":      {`{"a":01}`, []string{jsonHeader}, access.RequestBodyInvalid},
		"comment":           {`{/**/}`, []string{jsonHeader}, access.RequestBodyInvalid},
		"trailing comma":    {`{"a":1,}`, []string{jsonHeader}, access.RequestBodyInvalid},
		"text behind":       {`{} {}`, []string{jsonHeader}, access.RequestBodyInvalid},
		"byte order mark":   {"\ufeff{}", []string{jsonHeader}, access.RequestBodyInvalid},
		"not UTF-8":         {"{\"a\":\"\xff\"}", []string{jsonHeader}, access.RequestBodyInvalid},
		"half a surrogate":  {`{"a":"\ud800"}`, []string{jsonHeader}, access.RequestBodyInvalid},
		"a form":            {`a=1`, []string{jsonHeader}, access.RequestBodyInvalid},
		"duplicate":         {`{"a":1,"a":1}`, []string{jsonHeader}, access.ParameterDuplicate},
		"escaped duplicate": {`{"a":1,"\u0061":2}`, []string{jsonHeader}, access.ParameterDuplicate},

		"no type":          {`{}`, nil, access.RequestTypeInvalid},
		"form type":        {`{}`, []string{"Content-Type: application/x-www-form-urlencoded"}, access.RequestTypeInvalid},
		"suffix type":      {`{}`, []string{"Content-Type: application/problem+json"}, access.RequestTypeInvalid},
		"two types":        {`{}`, []string{jsonHeader, jsonHeader}, access.RequestTypeInvalid},
		"list of types":    {`{}`, []string{"Content-Type: application/json, text/plain"}, access.RequestTypeInvalid},
		"other charset":    {`{}`, []string{"Content-Type: application/json; charset=gb18030"}, access.RequestTypeInvalid},
		"two charsets":     {`{}`, []string{"Content-Type: application/json; charset=utf-8; charset=gbk"}, access.RequestTypeInvalid},
		"other parameter":  {`{}`, []string{"Content-Type: application/json; profile=x"}, access.RequestTypeInvalid},
		"broken type":      {`{}`, []string{"Content-Type: application/json;;"}, access.RequestTypeInvalid},
		"upper-case type":  {`{}`, []string{"Content-Type: Application/JSON"}, ""},
		"compressed":       {`{}`, []string{jsonHeader, "Content-Encoding: gzip"}, access.RequestTypeInvalid},
		"identity coding":  {`{}`, []string{jsonHeader, "Content-Encoding: identity"}, access.RequestTypeInvalid},
		"empty coding":     {`{}`, []string{jsonHeader, "Content-Encoding: "}, access.RequestTypeInvalid},
		"charset in quote": {`{}`, []string{`Content-Type: application/json; charset="utf-8"`}, ""},
	} {
		r := parsed("POST", "/", tt.body, tt.header...)
		got, why := parseBody(r, collectBody(r))
		if why != tt.want || (why != "") != (got == nil) {
			t.Errorf("%s: %v, %q, want %q", name, got, why, tt.want)
		}
	}
}

// TestReadBody: a body is read whole, within its time and size, before anything
// else is looked at.
func TestReadBody(t *testing.T) {
	for name, tt := range map[string]struct {
		body    io.Reader
		length  int64
		want    access.Reason
		cleared bool // the connection serves further requests
	}{
		"none":            {strings.NewReader("not read"), 0, "", false},
		"whole":           {strings.NewReader("{}"), 2, "", true},
		"chunked":         {strings.NewReader("{}"), -1, "", true},
		"largest":         {strings.NewReader(strings.Repeat("x", maxRequestBody)), -1, "", true},
		"too large":       {strings.NewReader(strings.Repeat("x", maxRequestBody+1)), -1, access.RequestBodyTooLarge, true},
		"endless":         {endless{}, -1, access.RequestBodyTooLarge, true},
		"breaks off":      {iotest.ErrReader(io.ErrUnexpectedEOF), 9, access.RequestBodyInvalid, true},
		"too slow":        {io.MultiReader(strings.NewReader("{"), iotest.ErrReader(fmt.Errorf("read: %w", os.ErrDeadlineExceeded))), 9, access.RequestTooSlow, false},
		"slow at the end": {io.MultiReader(strings.NewReader(strings.Repeat("x", maxRequestBody)), iotest.ErrReader(os.ErrDeadlineExceeded)), -1, access.RequestTooSlow, false},
	} {
		w := &deadlines{}
		got := readBody(w, &http.Request{Body: io.NopCloser(tt.body), ContentLength: tt.length})
		if got.why != tt.want || (got.why != "" && got.bytes != nil) {
			t.Errorf("%s: %d bytes, %q, want %q", name, len(got.bytes), got.why, tt.want)
		}
		if tt.length == 0 && len(w.set) != 0 || tt.length != 0 && (len(w.set) == 0 || w.set[0].IsZero()) {
			t.Errorf("%s: deadlines %v", name, w.set)
		}
		if n := len(w.set); (n == 2 && w.set[1].IsZero()) != tt.cleared {
			t.Errorf("%s: deadlines %v, cleared: %v", name, w.set, !tt.cleared)
		}
	}
	if got := readBody(httptest.NewRecorder(), parsed("POST", "/", "{}")); got.why != access.InternalError {
		t.Errorf("a body that can't be bounded in time: %q", got.why)
	}
}

// endless is a body that never ends.
type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

// TestReasonOfTheBodyComesInTurn: that a body can't be used is said only of a
// request that was to have one.
func TestReasonOfTheBodyComesInTurn(t *testing.T) {
	s := snapshot(t)
	slow := clientBody{why: access.RequestTooSlow}
	for name, tt := range map[string]struct {
		request *http.Request
		want    access.Reason
	}{
		"its route":     {parsed("POST", "/v1/books/get", "{}", jsonHeader), access.RequestTooSlow},
		"no such route": {parsed("POST", "/v1/books", "{}", jsonHeader), access.RouteUnknown},
		"another type":  {parsed("POST", "/v1/books/get", "{}"), access.RequestTypeInvalid},
		"a GET":         {parsed("GET", "/v1/divisions/110105/books?page=1", "{}"), access.RequestBodyInvalid},
	} {
		if _, _, why := parseCall(s, tt.request, slow); why != tt.want {
			t.Errorf("%s: %q, want %q", name, why, tt.want)
		}
	}
	chunked := parsed("GET", "/", "")
	chunked.ContentLength = -1 // a chunked body of unknown length
	if _, why := parseBody(chunked, clientBody{}); why != access.RequestBodyInvalid {
		t.Errorf("chunked body on GET: %q", why)
	}
}

func TestCheckValue(t *testing.T) {
	x := withX(t)
	for _, tt := range []struct {
		p       rules.Parameter
		valid   map[string]string // text → canonical spelling
		invalid []string
	}{
		{rules.Parameter{Type: rules.TypeCitizenID}, map[string]string{someone: someone, x: x, strings.ToLower(x): x}, []string{
			"", " " + someone, someone + " ", someone[:17], someone + "1", someone[:17] + "?", strings.Replace(someone, "1", "１", 1),
			checked("11010518801301001"), checked("11010518800230001"), "110105880101001", someone[:6] + "-" + someone[7:], strings.Replace(x, "X", "Х", 1),
		}},
		{rules.Parameter{Type: rules.TypeDate}, map[string]string{"18800229": "18800229", "20240229": "20240229"}, []string{
			"", "20230229", "20241301", "20240100", "2024-02-29", "240229", "202402290", "2024022９", " 20240229", "20240229\n", "+2024022",
		}},
		{rules.Parameter{Type: rules.TypeDivision}, map[string]string{"110105": "110105", "999999": "999999"}, []string{"", "010105", "11010", "1101055", "11010a", "１10105", "110105\n"}},
		{rules.Parameter{Type: rules.TypeInteger, Min: 0, Max: 50}, map[string]string{"0": "0", "7": "7", "50": "50"}, []string{
			"", "-1", "51", "+7", "07", "7.0", "0x7", " 7", "7 ", "７", "1_0", "99999999999999999999", "-0", "5\n",
		}},
		{rules.Parameter{Type: rules.TypeInteger, Min: 3, Max: 5}, map[string]string{"3": "3", "5": "5"}, []string{"2", "6"}},
		{rules.Parameter{Type: rules.TypeIdentifier}, map[string]string{"a": "a", "A_9-": "A_9-", strings.Repeat("x", 64): strings.Repeat("x", 64)}, []string{
			"", strings.Repeat("x", 65), "a b", "a.b", "a/b", "../a", "a%20", "ä", "a\x00", "a\n", "{x}",
		}},
		{rules.Parameter{Type: rules.TypeText, Min: 2, Max: 5}, map[string]string{"李明": "李明", "𠮷𠮷": "𠮷𠮷", "a b": "a b", "阿依·古": "阿依·古", "%2e/": "%2e/"}, []string{
			"", "李", "六个字的姓名", " 李明", "李明 ", "李\n明", "李\x00明", "李\u200b明", "李\u202e明", "李\u2028明", "李\ufeff明", "\u3000李明", "李\u00a0明", "李\x7f明",
		}},
		{rules.Parameter{Type: rules.TypeText, Max: 5}, map[string]string{"李": "李"}, []string{""}},
		{rules.Parameter{Type: "", Max: 5}, nil, []string{"", "a", "1"}},
		{rules.Parameter{Type: "else", Max: 5}, nil, []string{"", "a", "1"}},
	} {
		for text, want := range tt.valid {
			if got, ok := checkValue(&tt.p, text); !ok || got != want {
				t.Errorf("%s %q: %q, %v", tt.p.Type, text, got, ok)
			}
		}
		for _, text := range tt.invalid {
			if _, ok := checkValue(&tt.p, text); ok {
				t.Errorf("%s %q is accepted", tt.p.Type, text)
			}
		}
	}
}

// TestBindLooksInItsPlace: a parameter sent in another place than its own is
// unknown there.
func TestBindLooksInItsPlace(t *testing.T) {
	route := snapshot(t).Route("book-list")
	value := func(text string) given { return given{text, jsonlex.String} }
	for name, tt := range map[string]struct {
		all  map[rules.Place]map[string]given
		want access.Reason
	}{
		"right places":   {map[rules.Place]map[string]given{rules.InPath: {"division": value("110105")}, rules.InQuery: {"page": value("1")}}, ""},
		"page in a path": {map[rules.Place]map[string]given{rules.InPath: {"division": value("110105"), "page": value("1")}}, access.ParameterMissing},
		"page in a body": {map[rules.Place]map[string]given{rules.InPath: {"division": value("110105")}, rules.InBody: {"page": {"1", jsonlex.Number}}}, access.ParameterMissing},
		"twice":          {map[rules.Place]map[string]given{rules.InPath: {"division": value("110105")}, rules.InQuery: {"page": value("1")}, rules.InBody: {"page": {"1", jsonlex.Number}}}, access.ParameterUnknown},
		"nothing":        {nil, access.ParameterMissing},
	} {
		if got, why := bind(route, tt.all); why != tt.want || (why != "") != (got == nil) {
			t.Errorf("%s: %v, %q, want %q", name, got, why, tt.want)
		}
	}
}

func TestApplicationHeader(t *testing.T) {
	for name, tt := range map[string]struct {
		values []string
		want   string
		why    access.Reason
	}{
		"absent":      {nil, "", ""},
		"one":         {[]string{"APP-2026-0001"}, "APP-2026-0001", ""},
		"two":         {[]string{"APP-2026-0001", "APP-2026-0001"}, "", access.HeaderInvalid},
		"empty":       {[]string{""}, "", access.HeaderInvalid},
		"small":       {[]string{"app-2026-0001"}, "", access.HeaderInvalid},
		"a list":      {[]string{"APP-1,APP-2"}, "", access.HeaderInvalid},
		"spaces":      {[]string{"APP 1"}, "", access.HeaderInvalid},
		"path":        {[]string{"../APP"}, "", access.HeaderInvalid},
		"long":        {[]string{strings.Repeat("A", 64)}, "", access.HeaderInvalid},
		"a line more": {[]string{"APP-1\n"}, "", access.HeaderInvalid},
	} {
		r := &http.Request{Header: http.Header{}}
		if tt.values != nil {
			r.Header["X-Hukou-Application"] = tt.values
		}
		if got, why := applicationHeader(r); got != tt.want || why != tt.why {
			t.Errorf("%s: %q, %q", name, got, why)
		}
	}
}

func TestPersonsOfACall(t *testing.T) {
	s, k, x := snapshot(t), key(t, keys.PersonPseudonym), withX(t)
	persons := func(body string) []string {
		t.Helper()
		r := parsed("POST", "/v1/books/get", body, jsonHeader)
		c, _, why := parseCall(s, r, collectBody(r))
		if why != "" {
			t.Fatalf("%s: %q", body, why)
		}
		out, err := c.persons(k)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range out {
			if strings.Contains(p, x[:17]) || strings.Contains(p, someone[:17]) {
				t.Errorf("%s is no pseudonym", p)
			}
		}
		return out
	}
	upper, lower := persons(fmt.Sprintf(`{"reader":%q}`, x)), persons(fmt.Sprintf(`{"reader":%q}`, strings.ToLower(x)))
	if len(upper) != 1 || !reflect.DeepEqual(upper, lower) {
		t.Errorf("x and X are two persons: %v, %v", upper, lower)
	}
	if got := persons(fmt.Sprintf(`{"reader":%q,"guarantor":%q}`, x, strings.ToLower(x))); !reflect.DeepEqual(got, upper) {
		t.Errorf("one person named twice: %v", got)
	}
	if got := persons(fmt.Sprintf(`{"reader":%q,"guarantor":%q}`, x, someone)); len(got) != 2 || got[0] != upper[0] {
		t.Errorf("two persons: %v", got)
	}
	c := call{route: s.Route("book-get"), values: []value{{&s.Route("book-get").Parameters[0], someone}}}
	if _, err := c.persons(keys.Key{}); err == nil {
		t.Error("a zero key names persons")
	}
	if got, err := (call{route: s.Route("book-list")}).persons(keys.Key{}); err != nil || got != nil {
		t.Errorf("a call that names nobody: %v, %v", got, err)
	}
}
