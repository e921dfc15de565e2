package ledger

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"hukougate/module/access"
)

func recovered() Record {
	return Record{Kind: KindRecovered, Time: epoch, Recovered: &Recovered{
		Bytes: 4, SHA256: strings.Repeat("ab", 32), File: tornName(3, strings.Repeat("ab", 32)),
	}}
}

func all() []Record {
	records := []Record{{Kind: KindOpen, Time: epoch}, fullAccess(), smallRefusal(), strangers(), rulesLoaded(), rulesRefused(), recovered()}
	for i := range records {
		records[i].Gateway = "gate-1"
	}
	return records
}

// wire is a record with its head, as encoding/json sees it.
type wire struct {
	V    int    `json:"v"`
	Seq  uint64 `json:"seq"`
	Prev string `json:"prev"`
	Record
}

// TestBytesAreJSON holds our encoder against the standard library's: the same
// members, in the order of the struct, none more.
func TestBytesAreJSON(t *testing.T) {
	for _, r := range all() {
		line, hash := appendLine(nil, 7, genesis, encodeBody(&r))
		raw := bytes.TrimSuffix(line[hashLength+1:], []byte("\n"))
		var out bytes.Buffer
		enc := json.NewEncoder(&out)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(wire{1, 7, genesis, r}); err != nil {
			t.Fatal(err)
		}
		if want := strings.TrimSuffix(out.String(), "\n"); string(raw) != want {
			t.Errorf("%s:\n got %s\nwant %s", r.Kind, raw, want)
		}
		at, prev, back, err := parseLine(line[:len(line)-1])
		if err != nil || at != (Position{7, hash}) || prev != genesis || !reflect.DeepEqual(back, r) {
			t.Errorf("%s came back as %+v, %v", r.Kind, back, err)
		}
	}
}

// TestSchemaCoversTheStructs: a field added to a struct but not to the schema
// would silently not be recorded.
func TestSchemaCoversTheStructs(t *testing.T) {
	for name, count := range map[string][2]int{
		"Record":            {reflect.TypeFor[Record]().NumField(), 32},
		"access.FieldCount": {reflect.TypeFor[access.FieldCount]().NumField(), 4},
		"Strangers":         {reflect.TypeFor[Strangers]().NumField(), 6},
		"ReasonCount":       {reflect.TypeFor[ReasonCount]().NumField(), 2},
		"SourceCount":       {reflect.TypeFor[SourceCount]().NumField(), 2},
		"RulesEvent":        {reflect.TypeFor[RulesEvent]().NumField(), 5},
		"Recovered":         {reflect.TypeFor[Recovered]().NumField(), 3},
	} {
		if count[0] != count[1] {
			t.Errorf("%s has %d fields, format v1 writes %d: v1 can't change, make a v2", name, count[0], count[1])
		}
	}
	// fullAccess and the events together use every member there is.
	var lines string
	for _, r := range append(all(), Record{Kind: KindRefusal, Reason: "x"}) {
		lines += string(encodeBody(&r))
	}
	for _, of := range []reflect.Type{reflect.TypeFor[Record](), reflect.TypeFor[Strangers](), reflect.TypeFor[RulesEvent]()} {
		for i := range of.NumField() {
			name, _, _ := strings.Cut(of.Field(i).Tag.Get("json"), ",")
			if !strings.Contains(lines, `"`+name+`":`) {
				t.Errorf("no sample writes %s", name)
			}
		}
	}
}

// TestDecodeRefuses edits the JSON of a good record, with a fitting hash: only
// the one spelling of v1 is read.
func TestDecodeRefuses(t *testing.T) {
	access := fullAccess()
	access.Gateway = "gate-1"
	good := string(mustJSON(t, access))
	aside := recovered()
	aside.Gateway = "gate-1"
	set := string(mustJSON(t, aside))
	window := strangers()
	window.Gateway = "gate-1"
	for name, tt := range map[string]struct{ raw, old, new string }{
		"another version":         {good, `"v":1`, `"v":2`},
		"version as text":         {good, `"v":1`, `"v":"1"`},
		"no version":              {good, `"v":1,`, ``},
		"seq 0":                   {good, `"seq":1`, `"seq":0`},
		"seq with leading zero":   {good, `"seq":1`, `"seq":01`},
		"seq too large":           {good, `"seq":1`, `"seq":18446744073709551616`},
		"short prev":              {good, `"prev":"00`, `"prev":"0`},
		"long prev":               {good, `"prev":"00`, `"prev":"000`},
		"upper-case prev":         {good, `"prev":"00`, `"prev":"AA`},
		"unknown member":          {good, `,"status"`, `,"extra":1,"status"`},
		"unknown member at end":   {good, `}`, `,"extra":1}`},
		"repeated member":         {good, `"status":200`, `"status":200,"status":200`},
		"member in another case":  {good, `"status"`, `"Status"`},
		"another order":           {good, `"unit":"某银行","caller_kind":"external"`, `"caller_kind":"external","unit":"某银行"`},
		"white space":             {good, `,"status"`, `, "status"`},
		"trailing space":          {good, `1234}`, `1234} `},
		"trailing value":          {good, `1234}`, `1234}{}`},
		"not closed":              {good, `1234}`, `1234`},
		"null":                    {good, `"status":200`, `"status":null`},
		"number as text":          {good, `"status":200`, `"status":"200"`},
		"text as number":          {good, `"receipt":"r-0001"`, `"receipt":1`},
		"fraction":                {good, `"status":200`, `"status":200.0`},
		"exponent":                {good, `"records":2`, `"records":2e0`},
		"negative":                {good, `"records":2`, `"records":-2`},
		"written zero":            {good, `"records":2`, `"records":0`},
		"beyond JSON's integers":  {good, `"records":2`, `"records":9007199254740992`},
		"written empty text":      {good, `"peer":"10.1.2.3:40000"`, `"peer":""`},
		"written empty list":      {good, `"request_persons":["p1_aaaa"]`, `"request_persons":[]`},
		"empty element":           {good, `["p1_aaaa"]`, `[""]`},
		"comma at list's end":     {good, `["p1_aaaa"]`, `["p1_aaaa",]`},
		"unicode escape":          {good, `"某银行"`, `"\u67d0"`},
		"needless escape":         {good, `bank-a`, `bank\/a`},
		"escape at the end":       {good, good[strings.Index(good, `\\ KYC`):], `\`},
		"raw tab":                 {good, `bank-a`, "bank\ta"},
		"DEL":                     {good, `bank-a`, "bank\x7fa"},
		"bidi override":           {good, `bank-a`, "bank\u202ea"},
		"line separator":          {good, `bank-a`, "bank\u2028a"},
		"invalid UTF-8":           {good, `bank-a`, "bank\xffa"},
		"surrogate":               {good, `bank-a`, "bank\xed\xa0\x80a"},
		"over-long text":          {good, `bank-a`, strings.Repeat("a", MaxText+1)},
		"another time zone":       {good, `05.678901Z`, `05.678901+00:00`},
		"milliseconds":            {good, `05.678901Z`, `05.678Z`},
		"comma in time":           {good, `05.678901Z`, `05,678901Z`},
		"no such day":             {good, `2026-01-02`, `2026-02-30`},
		"before computers":        {good, `2026-01-02`, `1969-01-02`},
		"unknown kind":            {good, `"kind":"access"`, `"kind":"peek"`},
		"no kind":                 {good, `"kind":"access",`, ``},
		"no time":                 {good, `"time":"2026-01-02T03:04:05.678901Z",`, ``},
		"no gateway":              {good, `"gateway":"gate-1",`, ``},
		"no receipt":              {good, `"receipt":"r-0001",`, ``},
		"no caller":               {good, `"caller":"bank-a",`, ``},
		"no proofs":               {good, `"proofs":["client_certificate","api_key"],`, ``},
		"no application":          {good, `"application":"2026-0042",`, ``},
		"no purpose":              {good, `"purpose":"kyc",`, ``},
		"no route":                {good, `"route":"resident_by_id",`, ``},
		"no rules":                {good, `"rules":"2026.01.1",`, ``},
		"no status":               {good, `"status":200,`, ``},
		"no body digest":          {good, `"body_digest":"` + access.BodyDigest + `",`, ``},
		"no caller kind":          {good, `"caller_kind":"external",`, ``},
		"unknown caller kind":     {good, `"external"`, `"friend"`},
		"access with reason":      {good, `"status"`, `"reason":"route_unknown","status"`},
		"no HTTP status":          {good, `"status":200`, `"status":600`},
		"short body digest":       {good, access.BodyDigest, access.BodyDigest[1:]},
		"odd request digest":      {good, access.RequestDigest, access.RequestDigest[1:]},
		"upper-case digest":       {good, access.RequestDigest, strings.ToUpper(access.RequestDigest)},
		"fields not sorted":       {good, `"field":"xm"`, `"field":"aa"`},
		"field twice":             {good, `"field":"xm"`, `"field":"gmsfhm"`},
		"field without name":      {good, `"field":"xm",`, ``},
		"object of another kind":  {good, `,"elapsed_us":1234}`, `,"rules_event":{"bundle":"b","outcome":"refused"}}`},
		"object missing":          {good, good[strings.Index(good, `"kind"`):], `"kind":"rules","time":"2026-01-02T03:04:05.678901Z","gateway":"g"}`},
		"empty object":            {good, good[strings.Index(good, `"kind"`):], `"kind":"rules","time":"2026-01-02T03:04:05.678901Z","gateway":"g","rules_event":{}}`},
		"list without bracket":    {good, `["p1_aaaa"]`, `"p1_aaaa"`},
		"nothing set aside":       {set, `"bytes":4,`, ``},
		"digest of nothing":       {set, aside.Recovered.SHA256, ``},
		"file of another digest":  {set, `-abab`, `-abac`},
		"file elsewhere":          {set, `"file":"`, `"file":"../`},
		"foreign member in event": {string(mustJSON(t, window)), `"strangers":{`, `"status":401,"strangers":{`},
	} {
		raw := strings.Replace(tt.raw, tt.old, tt.new, 1)
		if raw == tt.raw {
			t.Fatalf("%s: %q is not there to be replaced", name, tt.old)
		}
		_, _, _, err := decodeJSON([]byte(raw))
		var d *defect
		if !errors.As(err, &d) {
			t.Errorf("%s: accepted", name)
			continue
		}
		if strings.Contains(err.Error(), "bank") {
			t.Errorf("%s: the error shows a value: %v", name, err)
		}
	}
}

func mustJSON(t *testing.T, r Record) []byte {
	t.Helper()
	line, _ := appendLine(nil, 1, genesis, encodeBody(&r))
	raw := line[hashLength+1 : len(line)-1]
	if _, _, _, err := decodeJSON(raw); err != nil {
		t.Fatal(err)
	}
	return raw
}

// TestAppendRefuses: what could not be read back is never written.
func TestAppendRefuses(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "ledger")
	l := mustOpen(t, dir, testOptions())
	edits := map[string]func(r *Record){
		"no kind":              func(r *Record) { *r = Record{} },
		"own kind open":        func(r *Record) { *r = Record{Kind: KindOpen} },
		"own kind recovered":   func(r *Record) { *r = recovered() },
		"control character":    func(r *Record) { r.Application = "a\nb" },
		"invalid UTF-8":        func(r *Record) { r.Persons[1] = "\xff" },
		"over-long":            func(r *Record) { r.Peer = strings.Repeat("x", MaxText+1) },
		"over-long in list":    func(r *Record) { r.Fields[0].Field = strings.Repeat("x", MaxText+1) },
		"empty person":         func(r *Record) { r.Persons[0] = "" },
		"negative":             func(r *Record) { r.Records = -1 },
		"negative in list":     func(r *Record) { r.Fields[1].Clear = -1 },
		"too large":            func(r *Record) { r.ElapsedMicros = maxCount + 1 },
		"year 10000":           func(r *Record) { r.Time = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) },
		"year 10000 in UTC":    func(r *Record) { r.Time = time.Date(9999, 12, 31, 23, 0, 0, 0, time.FixedZone("", -7200)) },
		"line too long":        func(r *Record) { r.Persons = manyPersons(40_000) },
		"reason not a word":    func(r *Record) { *r = smallRefusal(); r.Reason = "Not A Word" },
		"refusal, no reason":   func(r *Record) { *r = smallRefusal(); r.Reason = "" },
		"refusal, no receipt":  func(r *Record) { *r = smallRefusal(); r.Receipt = "" },
		"refusal, no status":   func(r *Record) { *r = smallRefusal(); r.Status = 0 },
		"reasons not sorted":   func(r *Record) { *r = strangers(); r.Strangers.Reasons[1].Reason = "a" },
		"reasons don't add up": func(r *Record) { *r = strangers(); r.Strangers.Count++ },
		"no reasons":           func(r *Record) { *r = strangers(); r.Strangers.Reasons = nil },
		"window backwards":     func(r *Record) { *r = strangers(); r.Strangers.End = epoch.Add(-1) },
		"source twice":         func(r *Record) { *r = strangers(); r.Strangers.Sources[1] = SourceCount{"10.9.9.9", 1} },
		"sources above count":  func(r *Record) { *r = strangers(); r.Strangers.Sources[1].Count = 3 },
		"source without count": func(r *Record) { *r = strangers(); r.Strangers.Sources[1].Count = 0 },
		"too many sources":     func(r *Record) { *r = strangers(); r.Strangers.Sources = make([]SourceCount, MaxSources+1) },
		"loaded with errors":   func(r *Record) { *r = rulesLoaded(); r.RulesEvent.Errors = 1 },
		"loaded, no version":   func(r *Record) { *r = rulesLoaded(); r.RulesEvent.Version = "" },
		"unknown outcome":      func(r *Record) { *r = rulesLoaded(); r.RulesEvent.Outcome = "maybe" },
		"no bundle":            func(r *Record) { *r = rulesLoaded(); r.RulesEvent.Bundle = "" },
	}
	for name, edit := range edits {
		r := fullAccess()
		edit(&r)
		if _, err := l.Append(context.Background(), r); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	longest := fullAccess()
	longest.Persons = manyPersons(30_000)
	longest.Peer = strings.Repeat("字", MaxText/3)
	mustAppend(t, l, longest)
	mustClose(t, l)
	if r := wantIntact(t, dir); r.Records != 2 {
		t.Errorf("%d records: a refused one was written", r.Records)
	}
}

func manyPersons(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = "p1_" + strings.Repeat("a", 26)
	}
	return out
}

func TestFaultMessageNamesThePlace(t *testing.T) {
	f := &Fault{File: segmentName(1), Line: 17, Offset: 9000, Seq: 17, Kind: Tampered, Detail: "why"}
	want := "ledger: record 17 tampered (00000000000000000001.hukoulog, line 17, byte offset 9000): why"
	if f.Error() != want {
		t.Errorf("got %q", f.Error())
	}
}
