package mask

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"

	"hukougate/module/access"
	"hukougate/module/jsonlex"
	"hukougate/module/keys"
)

var (
	keepOne    = access.Transform{Kind: access.Keep, First: 1}
	keepOneTwo = access.Transform{Kind: access.Keep, First: 1, Last: 2}
	pass       = access.Transform{Kind: access.Clear}
	remove     = access.Transform{Kind: access.Remove}
	onlyYear   = access.Transform{Kind: access.Year}
	pseudonym  = access.Transform{Kind: access.Pseudonym}
)

func key(t testing.TB, name keys.Name, fill string) keys.Key {
	t.Helper()
	k, err := keys.New(name, 1, []byte(strings.Repeat(fill, keys.Size)))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func testKeys(t testing.TB) Keys {
	t.Helper()
	return Keys{Person: key(t, keys.PersonPseudonym, "p"), Field: key(t, keys.FieldPseudonym, "f")}
}

func compiled(t testing.TB, s Spec) *Plan {
	t.Helper()
	p, err := Compile(s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func named(t testing.TB, k keys.Key, domain, value string) string {
	t.Helper()
	p, err := k.Pseudonym(domain, value)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// residents is the shape most tests use: a list in an envelope.
func residents() Spec {
	return Spec{
		Envelope: []EnvelopeMember{
			{Path: "/code", Type: Integer},
			{Path: "/ok", Type: Boolean},
			{Path: "/status", Type: Word, Allowed: []string{"success", "none"}},
			{Path: "/data/total", Type: Integer, Max: 999},
			{Path: "/trace", Type: Word},
		},
		Records: "/data/list/*",
		Members: []Member{
			{Path: "XM", Field: "name", Transform: keepOne},
			{Path: "XB", Field: "sex", Transform: pass},
			{Path: "CSRQ", Field: "birth_date", Transform: onlyYear},
			{Path: "GMSFHM", Field: "citizen_id", Transform: pseudonym},
			{Path: "ZJHM", Field: "citizen_id", Transform: pseudonym},
			{Path: "HH", Field: "household_no", Transform: pseudonym},
			{Path: "ZJXY", Field: "religion", Transform: remove},
			{Path: "JHR/XM", Field: "guardian", Transform: keepOneTwo},
			{Path: "JHR/DH", Field: "phone", Transform: remove},
			{Path: "PO/XM", Field: "spouse", Transform: remove},
			{Path: "JTCY/*/XM", Field: "name", Transform: keepOne},
		},
		Person:      "citizen_id",
		PersonPaths: []string{"GMSFHM", "ZJHM", "PO/SFZH"},
	}
}

const envelopeHead = `{"code":0,"data":{"list":[`

// inList puts records into the envelope of residents.
func inList(records string) string { return envelopeHead + records + `]}}` }

// rewriteCase is the records of an answer before and after.
type rewriteCase struct{ in, want string }

func rewriteCases(t *testing.T, k Keys) map[string]rewriteCase {
	id := named(t, k.Field, "citizen_id", "11010519491231002X")
	hh := func(v string) string { return `"` + named(t, k.Field, "household_no", v) + `"` }
	return map[string]rewriteCase{
		"unnamed goes":               {`{"XB":"1","RYID":"R1","XM":"张三丰"}`, `{"XB":"1","XM":"张****"}`},
		"order and spacing stay":     {"{ \"XM\" :\t\"张三丰\" ,\n \"XB\": \"1\"\n}", "{ \"XM\" :\t\"张****\" ,\n \"XB\": \"1\"\n}"},
		"spacing goes with members":  {"{ \"A\" : 1 , \"XB\" : \"1\" , \"B\" : 2 }", "{ \"XB\" : \"1\" }"},
		"first of several goes":      {`{"A":1,"B":{"XB":1},"XB":2}`, `{"XB":2}`},
		"last of several goes":       {`{"XB":2,"A":1,"B":[2]}`, `{"XB":2}`},
		"all go":                     {`{ "A":1 , "B":2 }`, `{}`},
		"empty stays":                {"{ }", "{ }"},
		"number literal stays":       {`{"XB":1.50e+02}`, `{"XB":1.50e+02}`},
		"escapes stay":               {`{"\u0058B":"\u0031\/"}`, `{"\u0058B":"\u0031\/"}`},
		"escaped name matches":       {`{"X\u004d":"张三丰"}`, `{"X\u004d":"张****"}`},
		"escaped value is decoded":   {`{"XM":"\u5f20\u4e09\u4e30"}`, `{"XM":"张****"}`},
		"surrogate pair is decoded":  {`{"XM":"\uD842\uDFB7三"}`, `{"XM":"𠮷****"}`},
		"quote is escaped again":     {`{"XM":"\"ab"}`, `{"XM":"\"****"}`},
		"too short is hidden":        {`{"XM":"张"}`, `{"XM":"****"}`},
		"year":                       {`{"CSRQ":"18800101"}`, `{"CSRQ":"1880"}`},
		"no year":                    {`{"CSRQ":"18801301"}`, `{"CSRQ":"****"}`},
		"clear null":                 {`{"XB":null}`, `{"XB":null}`},
		"masked null":                {`{"XM":null,"GMSFHM":null,"CSRQ":null}`, `{"XM":null,"GMSFHM":null,"CSRQ":null}`},
		"masked empty":               {`{"XM":"","GMSFHM":"","CSRQ":""}`, `{"XM":"","GMSFHM":"","CSRQ":""}`},
		"removed null and empty":     {`{"ZJXY":null,"JHR":{"DH":""}}`, `{"JHR":{}}`},
		"keep of a number":           {`{"XM":13800000000,"XB":1}`, `{"XB":1}`},
		"keep of a boolean":          {`{"XB":1,"XM":true}`, `{"XB":1}`},
		"year of a number":           {`{"CSRQ":18800101}`, `{}`},
		"clear of an object":         {`{"XB":{"XB":1}}`, `{}`},
		"clear of an array":          {`{"XB":["1"]}`, `{}`},
		"keep of a container":        {`{"XM":["张三丰"],"CSRQ":{}}`, `{}`},
		"pseudonym of a container":   {`{"GMSFHM":{"a":1},"HH":[]}`, `{}`},
		"pseudonym":                  {`{"GMSFHM":"11010519491231002X"}`, `{"GMSFHM":"` + id + `"}`},
		"pseudonym, other spelling":  {`{"GMSFHM":" １１010519491231002x"}`, `{"GMSFHM":"` + id + `"}`},
		"pseudonym, 15 digits":       {`{"GMSFHM":"110105491231002"}`, `{"GMSFHM":"` + id + `"}`},
		"pseudonym of a number":      {`{"HH":12,"ZJHM":110105491231002}`, `{"HH":` + hh("12") + `,"ZJHM":"` + id + `"}`},
		"pseudonym of a boolean":     {`{"HH":true}`, `{"HH":` + hh("true") + `}`},
		"pseudonym is trimmed":       {`{"HH":" h1\t"}`, `{"HH":` + hh("h1") + `}`},
		"other fields keep x":        {`{"HH":"11010519491231002x"}`, `{"HH":` + hh("11010519491231002x") + `}`},
		"two paths, one field":       {`{"GMSFHM":"11010519491231002X","ZJHM":"11010519491231002X"}`, `{"GMSFHM":"` + id + `","ZJHM":"` + id + `"}`},
		"nested":                     {`{"JHR":{"XM":"买买提江","DH":"1","GX":"父"}}`, `{"JHR":{"XM":"买****提江"}}`},
		"nested null":                {`{"JHR":null,"JTCY":null}`, `{"JHR":null,"JTCY":null}`},
		"nested list":                {`{"JTCY":[{"XM":"张三丰","X":1},null,{}, { } ]}`, `{"JTCY":[{"XM":"张****"},null,{}, { } ]}`},
		"nested empty list":          {`{"JTCY":[ ]}`, `{"JTCY":[ ]}`},
		"hidden container":           {`{"PO":{"XM":"李四","SFZH":"x"},"XB":1}`, `{"XB":1}`},
		"hidden container, null":     {`{"XB":1,"PO":null}`, `{"XB":1}`},
		"hidden container, other":    {`{"XB":1,"PO":"李四"}`, `{"XB":1}`},
		"hidden container, list":     {`{"XB":1,"PO":[{"XM":"李四"}]}`, `{"XB":1}`},
		"name of a nested one above": {`{"DH":"1","list":[]}`, `{}`},
		"case and width differ":      {`{"xm":"张三","Xm":"张三","ＸＭ":"张三","XM ":"张三","XM\u200d":"张三"}`, `{}`},
		"keep counts clusters":       {`{"XM":"👩‍👩‍👧‍👦ab"}`, `{"XM":"👩‍👩‍👧‍👦****"}`},
		"two records":                {`{"XB":1}, {"XB":2}`, `{"XB":1}, {"XB":2}`},
		"null record":                {`null,{"XB":2}`, `null,{"XB":2}`},
	}
}

func TestRewrite(t *testing.T) {
	k := testKeys(t)
	for name, c := range rewriteCases(t, k) {
		m, err := compiled(t, residents()).Rewrite([]byte(inList(c.in)), k)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := string(m.Body); got != inList(c.want) {
			t.Errorf("%s:\n got %s\nwant %s", name, got, inList(c.want))
		}
	}
}

func TestEnvelope(t *testing.T) {
	k := testKeys(t)
	for in, want := range map[string]string{
		`{"code":-0,"ok":true,"status":"success","trace":"a.B-9_","data":{"total":12,"next":"x","list":[]}}`: `{"code":-0,"ok":true,"status":"success","trace":"a.B-9_","data":{"total":12,"list":[]}}`,
		"\n { \"msg\":\"张三\", \"code\": 0 }\n":                                                               "\n { \"code\": 0 }\n",
		`{"data":null,"code":404}`:                                                                           `{"data":null,"code":404}`,
		`{"data":{"list":null}}`:                                                                             `{"data":{"list":null}}`,
		`{"status":"\u0073uccess"}`:                                                                          `{"status":"\u0073uccess"}`,
		`null`:                                                                                               `null`,
		`{}`:                                                                                                 `{}`,
		`{"code":1000000,"data":{"total":-999}}`:                                                             `{"code":1000000,"data":{"total":-999}}`,
		`{"data":{"total":999}}`:                                                                             `{"data":{"total":999}}`,
		`{"trace":"440524188001010015"}`:                                                                     `{"trace":"440524188001010015"}`, // not an ID number: the check digit is wrong
		`{"list":[{"XM":"张三"}],"XM":"张三","XB":1}`:                                                            `{}`,
	} {
		m, err := compiled(t, residents()).Rewrite([]byte(in), k)
		if err != nil || string(m.Body) != want {
			t.Errorf("%s: %s %v, want %s", in, m.Body, err, want)
		}
	}
	for _, in := range []string{
		`[]`, `"x"`, `1`, `true`,
		`{"code":"0"}`, `{"code":1.0}`, `{"code":1e3}`, `{"code":null}`, `{"code":true}`, `{"code":{}}`, `{"code":[0]}`,
		`{"code":1000001}`, `{"code":-1000001}`, `{"code":18800101}`, `{"code":13800138000}`, `{"code":12345678901234567890}`, `{"code":-12345678901234567890}`,
		`{"code":440524188001010014}`, `{"data":{"total":1000}}`, `{"data":{"total":-1000}}`,
		`{"ok":1}`, `{"ok":"true"}`, `{"ok":null}`,
		`{"status":"failure"}`, `{"status":""}`, `{"status":0}`, `{"status":"success "}`, `{"status":null}`,
		`{"trace":""}`, `{"trace":"张"}`, `{"trace":"a b"}`, `{"trace":"` + strings.Repeat("a", 65) + `"}`, `{"trace":"a\u0000"}`,
		`{"trace":"11010519491231002X"}`, `{"trace":"11010519491231002x"}`,
		`{"data":[]}`, `{"data":"x"}`, `{"data":{"list":{}}}`, `{"data":{"list":[1]}}`, `{"data":{"list":["x"]}}`, `{"data":{"list":[[]]}}`,
		inList(`{"JHR":"x"}`), inList(`{"JHR":[]}`), inList(`{"JTCY":{}}`), inList(`{"JTCY":["x"]}`), inList(`{"JTCY":[[]]}`), inList(`{"JTCY":0}`),
	} {
		wantRefusal(t, in, access.SourceShape)
	}
}

// TestWideEnvelopeHoldsNoNumber: however wide its bound, an integer that is an
// identity number does not pass.
func TestWideEnvelopeHoldsNoNumber(t *testing.T) {
	p := compiled(t, Spec{Records: "/list/*", Envelope: []EnvelopeMember{{Path: "/code", Type: Integer, Max: math.MaxInt}}})
	if m, err := p.Rewrite([]byte(`{"code":440524188001010015}`), testKeys(t)); err != nil || string(m.Body) != `{"code":440524188001010015}` {
		t.Errorf("%s %v", m.Body, err)
	}
	var refusal *Refusal
	if m, err := p.Rewrite([]byte(`{"code":440524188001010014}`), testKeys(t)); !errors.As(err, &refusal) || refusal.Reason != access.SourceShape || m.Body != nil {
		t.Errorf("%s %v", m.Body, err)
	}
}

func wantRefusal(t *testing.T, in string, want access.Reason) {
	t.Helper()
	m, err := compiled(t, residents()).Rewrite([]byte(in), testKeys(t))
	var refusal *Refusal
	if !errors.As(err, &refusal) || refusal.Reason != want || refusal.Offset < 0 || refusal.Offset > len(in) {
		t.Errorf("%.80q: %v, want %s", in, err, want)
	}
	if m.Body != nil || m.Done || m.Records != 0 || m.Persons != nil || m.Fields != nil || m.Unnamed != 0 {
		t.Errorf("%.80q: refused, but the Masking is not zero", in)
	}
}

func TestRecordsPlaces(t *testing.T) {
	k := testKeys(t)
	for _, c := range []struct{ records, in, want string }{
		{"", ` {"A":1,"XB":2} `, ` {"XB":2} `},
		{"/*", `[{"A":1,"XB":2},{"XB":3}]`, `[{"XB":2},{"XB":3}]`},
		{"/*/*", `[[{"A":1}],[],[{"XB":3}, {"A":4} ]]`, `[[{}],[],[{"XB":3}, {} ]]`},
		{"/data", `{"data":{"A":1,"XB":2},"XB":2}`, `{"data":{"XB":2}}`},
		{"/a~1b/~0/*", `{"a/b":{"~":[{"XB":2}]}}`, `{"a/b":{"~":[{"XB":2}]}}`},
	} {
		p := compiled(t, Spec{Records: c.records, Members: []Member{{"XB", "sex", pass}}})
		m, err := p.Rewrite([]byte(c.in), k)
		if err != nil || string(m.Body) != c.want {
			t.Errorf("%s: %s %v, want %s", c.records, m.Body, err, c.want)
		}
	}
}

// TestElementsAsLeaves: scalars of an array may be named; removed ones go with
// their comma.
func TestElementsAsLeaves(t *testing.T) {
	p := compiled(t, Spec{Members: []Member{{"DH/*", "phone", access.Transform{Kind: access.Keep, First: 3, Last: 1}}}})
	m, err := p.Rewrite([]byte(`{"DH":[1, "13800000000" ,{"a":1},"1",null]}`), testKeys(t))
	if want := `{"DH":[ "138****0" ,"****",null]}`; err != nil || string(m.Body) != want {
		t.Errorf("%s %v", m.Body, err)
	}
}

func TestAccount(t *testing.T) {
	k := testKeys(t)
	const a, b = "11010519491231002X", "440524188001010014"
	in := inList(strings.Join([]string{
		`{"GMSFHM":"` + a + `","XM":"张三丰","XB":1,"A":1,"B":{"C":1}}`,
		`{"GMSFHM":"110105491231002","XM":null,"ZJXY":"1"}`,                // the same person
		`{"GMSFHM":"","ZJHM":"` + b + `","XM":5,"PO":{"XM":"x","SFZH":1}}`, // by the second path
		`{"PO":{"SFZH":"440524188001010014"}}`,                             // by the third, removed
		`{"XM":"李四"}`,                                                      // nobody
		`{"XM":"李四"}`,                                                      // the same record again
		`{"XM" :"李四"}`,                                                     // another record
		`{"GMSFHM":true}`,                                                  // nobody
		`{"GMSFHM":[1],"ZJHM":null}`,
		`{"GMSFHM":" 不详 "}`, `{"GMSFHM":"不详"}`, // one text, one person
		`{"GMSFHM":"　"}`,
	}, ",")) // 12 records
	m, err := compiled(t, residents()).Rewrite([]byte(in), k)
	if err != nil {
		t.Fatal(err)
	}
	person := func(v string) string { return named(t, k.Person, "person", v) }
	record := func(v string) string { return named(t, k.Person, "record", v) }
	wantPersons := []string{
		person(a), person(b), record(`{"XM":"李四"}`), record(`{"XM" :"李四"}`), record(`{"GMSFHM":true}`),
		record(`{"GMSFHM":[1],"ZJHM":null}`), person("不详"), record(`{"GMSFHM":"　"}`),
	}
	if got, want := strings.Join(m.Persons, "\n"), strings.Join(wantPersons, "\n"); got != want {
		t.Errorf("persons\n%s\nwant\n%s", got, want)
	}
	wantFields := []access.FieldCount{
		{Field: "citizen_id", Clear: 2, Transformed: 7, Removed: 3},
		{Field: "name", Clear: 1, Transformed: 4, Removed: 1},
		{Field: "religion", Removed: 1},
		{Field: "sex", Clear: 1},
		{Field: "spouse", Removed: 1},
	}
	if got, want := fmt.Sprintf("%+v", m.Fields), fmt.Sprintf("%+v", wantFields); got != want {
		t.Errorf("fields\n%s\nwant\n%s", got, want)
	}
	if m.Records != 12 || m.Unnamed != 2 || !m.Done {
		t.Errorf("records %d, unnamed %d, done %v", m.Records, m.Unnamed, m.Done)
	}
}

func TestKeysAreNeeded(t *testing.T) {
	good := testKeys(t)
	body := []byte(inList(`{"GMSFHM":"11010519491231002X"}`))
	for name, k := range map[string]Keys{"none": {}, "no person key": {Field: good.Field}, "no field key": {Person: good.Person}} {
		_, err := compiled(t, residents()).Rewrite(body, k)
		var refusal *Refusal
		if !errors.As(err, &refusal) || refusal.Reason != access.KeysUnavailable || !errors.Is(err, keys.ErrNoKey) {
			t.Errorf("%s: %v", name, err)
		}
	}
	p := compiled(t, Spec{Members: []Member{{"XB", "sex", pass}}})
	if _, err := p.Rewrite([]byte(`{"XB":1}`), Keys{Person: good.Person}); err != nil {
		t.Errorf("a plan without pseudonyms needs no field key: %v", err)
	}
	for _, p := range []*Plan{nil, {}} {
		if m, err := p.Rewrite([]byte(`{}`), good); err == nil || m.Done {
			t.Error("a zero plan released an answer")
		}
	}
}

// TestPartnersCannotCompare: another field key gives other pseudonyms, the same
// account of persons.
func TestPartnersCannotCompare(t *testing.T) {
	a, b := testKeys(t), testKeys(t)
	b.Field = key(t, keys.FieldPseudonym, "g")
	body := []byte(inList(`{"GMSFHM":"11010519491231002X"}`))
	one, err := compiled(t, residents()).Rewrite(body, a)
	if err != nil {
		t.Fatal(err)
	}
	two, err := compiled(t, residents()).Rewrite(body, b)
	if err != nil {
		t.Fatal(err)
	}
	if string(one.Body) == string(two.Body) || one.Persons[0] != two.Persons[0] {
		t.Error("pseudonyms are shared between partners, or persons are not between requests")
	}
}

func TestConcurrentUse(t *testing.T) {
	p, k := compiled(t, residents()), testKeys(t)
	body := []byte(inList(`{"GMSFHM":"11010519491231002X","\u0058M":"张三丰"},{"XB":1}`))
	want, err := p.Rewrite(body, k)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 200 {
				if got, err := p.Rewrite(body, k); err != nil || string(got.Body) != string(want.Body) {
					t.Errorf("%s %v", got.Body, err)
					return
				}
			}
		})
	}
	wg.Wait()
}

func TestOutputIsStrictJSON(t *testing.T) {
	m, err := compiled(t, residents()).Rewrite([]byte(inList(`{"XM":"\u0000\u001f\"\\x"},{"JHR":{"XM":"\n1234\\\""}}`)), testKeys(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := jsonlex.Valid(m.Body, jsonlex.Options{}); err != nil {
		t.Errorf("%s: %v", m.Body, err)
	}
}
