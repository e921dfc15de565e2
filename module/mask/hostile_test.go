package mask

import (
	"encoding/binary"
	"errors"
	"strings"
	"testing"
	"unicode/utf16"

	"hukougate/module/access"
)

// utf16Bytes is the text in UTF-16, little-endian.
func utf16Bytes(s string) string {
	var out []byte
	for _, u := range utf16.Encode([]rune(s)) {
		out = binary.LittleEndian.AppendUint16(out, u)
	}
	return string(out)
}

// secret is a member that must not get out.
const secret = `"GMSFHM":"` + canary + `"`

// hostileBodies holds a text a row of section A and D of the attacks.
var hostileBodies = map[string]struct {
	body string
	want access.Reason
}{
	"A1 duplicate name in a record":         {inList(`{"XM":"张三丰","XM":"` + canary + `"}`), access.SourceDuplicate},
	"A1 duplicate name outside":             {`{"code":0,"code":0}`, access.SourceDuplicate},
	"A1 duplicate in a removed subtree":     {inList(`{"A":{"b":1,"b":2}}`), access.SourceDuplicate},
	"A1 duplicate of a removed member":      {inList(`{"A":1,"A":2}`), access.SourceDuplicate},
	"A2 duplicate by escape":                {inList(`{"XM":"张三丰","\u0058M":"` + canary + `"}`), access.SourceDuplicate},
	"A5 NUL in a name":                      {inList("{\"XM\x00\":1}"), access.SourceMalformed},
	"A5 control character":                  {inList("{\"XM\":\"a\x1f\"}"), access.SourceMalformed},
	"A5 lone surrogate":                     {inList(`{"XM":"\ud800"}`), access.SourceMalformed},
	"A5 lone surrogate, removed":            {inList(`{"A":"\udc00"}`), access.SourceMalformed},
	"A5 surrogate in UTF-8":                 {inList("{\"A\":\"\xed\xa0\x80\"}"), access.SourceMalformed},
	"A5 overlong quote":                     {inList("{\"A\":\"\xc0\xa2\"}"), access.SourceMalformed},
	"A5 stray quote":                        {inList(`{"XM"":1}`), access.SourceMalformed},
	"A5 unknown escape":                     {inList(`{"XM":"\y"}`), access.SourceMalformed},
	"A6 comment":                            {`{/*` + secret + `*/}`, access.SourceMalformed},
	"A6 trailing comma":                     {inList(`{"XB":1},`), access.SourceMalformed},
	"A6 NaN":                                {inList(`{"XB":NaN}`), access.SourceMalformed},
	"A6 single quotes":                      {`{'XB':1}`, access.SourceMalformed},
	"A6 prefix":                             {")]}'\n{}", access.SourceMalformed},
	"A7 empty":                              {"", access.SourceTruncated},
	"A7 cut after a value":                  {envelopeHead + `{` + secret, access.SourceTruncated},
	"A7 cut inside a character":             {envelopeHead + "{\"XM\":\"\xe5\xbc", access.SourceTruncated},
	"A8 two documents":                      {inList("") + inList(`{`+secret+`}`), access.SourceMalformed},
	"A8 NDJSON":                             {"{}\n{}", access.SourceMalformed},
	"A8 trailing garbage":                   {"{}x", access.SourceMalformed},
	"A8 trailing NUL":                       {"{}\x00", access.SourceMalformed},
	"A9 record is a string":                 {inList(`"` + canary + `"`), access.SourceShape},
	"A9 records are an object":              {`{"data":{"list":{` + secret + `}}}`, access.SourceShape},
	"A9 envelope is an object":              {`{"code":{` + secret + `}}`, access.SourceShape},
	"A9 envelope carries a number":          {`{"code":440524188001010014}`, access.SourceShape},
	"A12 number of 10,000 digits":           {inList(`{"XB":` + strings.Repeat("9", 10000) + `}`), access.SourceTooLarge},
	"A12 the same, removed":                 {inList(`{"A":` + strings.Repeat("9", 10000) + `}`), access.SourceTooLarge},
	"A13 deep":                              {inList(`{"A":` + strings.Repeat("[", 100000) + `}`), access.SourceTooLarge},
	"A13 deep objects":                      {strings.Repeat(`{"data":`, 65), access.SourceTooLarge},
	"A13 deep in a removed member":          {strings.Repeat(`{"x":`, 65), access.SourceTooLarge},
	"A15 JSONP":                             {`/**/cb({` + secret + `})`, access.SourceMalformed},
	"A15 while":                             {`while(1);{}`, access.SourceMalformed},
	"A16 columns":                           {`{"data":{"list":[["` + canary + `"]]}}`, access.SourceShape},
	"D2 UTF-16LE":                           {utf16Bytes(inList(`{"XM":"x"}`)), access.SourceMalformed},
	"D3 GBK, trail byte is a backslash":     {inList("{\"XM\":\"\xd5\\\",\"GMSFHM\":\"" + canary + "\"}"), access.SourceMalformed},
	"D3 GBK":                                {inList("{\"A\":\"\xd5\xc5\xc8\xfd\"}"), access.SourceMalformed},
	"D3 GB18030, four bytes":                {inList("{\"A\":\"\x81\x30\x81\x30\"}"), access.SourceMalformed},
	"D4 BOM":                                {"\ufeff" + inList(""), access.SourceMalformed},
	"D4 BOM of UTF-16":                      {"\xff\xfe" + utf16Bytes("{}"), access.SourceMalformed},
	"D5 gzip":                               {"\x1f\x8b\x08\x00\x00\x00\x00\x00", access.SourceMalformed},
	"XML instead":                           {`<list><XM>` + canary + `</XM></list>`, access.SourceMalformed},
	"hidden error object of another answer": {`{"code":0,"data":"` + canary + `"}`, access.SourceShape},
}

func TestHostileBodies(t *testing.T) {
	for name, c := range hostileBodies {
		m, err := compiled(t, residents()).Rewrite([]byte(c.body), testKeys(t))
		var refusal *Refusal
		if !errors.As(err, &refusal) || refusal.Reason != c.want {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
		if m.Body != nil || m.Done {
			t.Errorf("%s: something was released", name)
		}
		if err != nil && strings.Contains(err.Error(), canary) {
			t.Errorf("%s: the error shows content", name)
		}
	}
}

// TestHarmlessOddities: odd, but one meaning only; what is hidden stays so.
func TestHarmlessOddities(t *testing.T) {
	for name, c := range map[string]struct{ in, want string }{
		"A2 escaped name":           {inList(`{"\u0047MSFH\u004d":"` + canary + `","\u0058\u0042":1}`), ""},
		"A3 variants of names":      {inList(`{"xm":"CANARY","Xm":"CANARY","ＸＭ":"CANARY","XM ":"CANARY","\u017fB":"CANARY","XM\u200d":"CANARY","é":"CANARY","e\u0301":"CANARY"}`), inList(`{}`)},
		"A4 a new field":            {inList(`{"XSX":"CANARY","XB":1}`), inList(`{"XB":1}`)},
		"A5 name with a NUL":        {inList(`{"XM\u0000":"CANARY"}`), inList(`{}`)},
		"A9 a list for a name":      {inList(`{"XM":["CANARY"],"XB":{"XB":"CANARY"}}`), inList(`{}`)},
		"A10 JSON in a string":      {inList(`{"A":"{\"XM\":\"CANARY\"}","XB":1}`), inList(`{"XB":1}`)},
		"A11 a map keyed by number": {inList(`{"CANARY":{"XB":1}}`), inList(`{}`)},
		"A12 a huge exponent":       {inList(`{"XB":1e400,"A":1e999}`), inList(`{"XB":1e400}`)},
		"A13 many siblings":         {inList(`{` + manyMembers(5000) + `,"XB":1}`), inList(`{"XB":1}`)},
		"A14 decoys":                {inList(strings.Repeat(`{"XM":"张三丰"},`, 3000) + `{"ZJXY":"CANARY"}`), inList(strings.Repeat(`{"XM":"张****"},`, 3000) + `{}`)},
		"A16 columns":               {`{"cols":["GMSFHM"],"rows":[["CANARY"]]}`, `{}`},
		"A17 two names collapse":    {inList(`{"XM":"张三丰","XM\u0000":"CANARY","A":"张三丰"}`), inList(`{"XM":"张****"}`)},
	} {
		m, err := compiled(t, residents()).Rewrite([]byte(c.in), testKeys(t))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		noCanary(t, m.Body)
		if c.want != "" && string(m.Body) != c.want {
			t.Errorf("%s: %.200s", name, m.Body)
		}
	}
}

func manyMembers(n int) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(`"c` + strings.Repeat("x", i%7) + string(rune(0x4E00+i)) + `":"CANARY"`)
	}
	return b.String()
}

// TestTruncatedAtEveryByte: a cut answer is refused wherever it is cut.
func TestTruncatedAtEveryByte(t *testing.T) {
	p, k := compiled(t, residents()), testKeys(t)
	for seed := range uint64(20) {
		body := strings.TrimSpace(newGenerator(seed, seed).document())
		for cut := range len(body) {
			m, err := p.Rewrite([]byte(body[:cut]), k)
			var refusal *Refusal
			if !errors.As(err, &refusal) || refusal.Reason != access.SourceTruncated || m.Body != nil {
				t.Fatalf("cut at %d: %v\n%s", cut, err, body[:cut])
			}
		}
	}
}

// TestEveryByteChanged: no single changed byte makes it panic or show a canary
// that was hidden.
func TestEveryByteChanged(t *testing.T) {
	p, k := compiled(t, residents()), testKeys(t)
	original := inList(`{"ZJXY":"CANARY","XM":"张CANARY","A":{"B":["CANARY"]},"XB":1}`)
	for at := range len(original) {
		for _, c := range []byte{0, '"', '\\', '{', '}', '[', ']', ',', ':', ' ', '0', 'X', 0x80, 0xC0, 0xED, 0xFF} {
			body := []byte(original)
			body[at] = c
			m, err := p.Rewrite(body, k)
			if err != nil {
				continue
			}
			if strings.Contains(string(m.Body), "CANARY") {
				t.Errorf("byte %d as %q: %s", at, c, m.Body)
			}
		}
	}
}
