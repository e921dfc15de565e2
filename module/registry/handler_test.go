package registry

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

type decoded struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
	Data    struct {
		Total int                 `json:"total"`
		List  []map[string]string `json:"list"`
	} `json:"data"`
}

func call(t *testing.T, method, target, body string) (int, http.Header, decoded, string) {
	t.Helper()
	w := httptest.NewRecorder()
	shared.Handler().ServeHTTP(w, httptest.NewRequest(method, target, strings.NewReader(body)))
	var d decoded
	if err := json.Unmarshal(w.Body.Bytes(), &d); err != nil {
		t.Fatalf("%s %s: %v", method, target, err)
	}
	if got := w.Header().Get("Content-Type"); got != "application/json; charset=utf-8" {
		t.Errorf("%s %s: Content-Type %q", method, target, got)
	}
	return w.Code, w.Header(), d, w.Body.String()
}

func quoted(t *testing.T, members map[string]string) string {
	t.Helper()
	b, err := json.Marshal(members)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestQuery(t *testing.T) {
	for _, p := range shared.Residents()[:40] {
		status, _, got, body := call(t, "POST", "/api/czrk/query", quoted(t, map[string]string{"gmsfhm": p.GMSFHM}))
		if status != 200 || got.Code != 0 || got.Data.Total != 1 || len(got.Data.List) != 1 {
			t.Fatalf("%d %+v", status, got)
		}
		for _, m := range p.Members() {
			if got.Data.List[0][m.Name] != m.Value {
				t.Errorf("%s is %q", m.Name, got.Data.List[0][m.Name])
			}
		}
		if body != string(QueryBody(p)) {
			t.Error("QueryBody differs from the answer")
		}
	}
	status, _, got, body := call(t, "POST", "/api/czrk/query", `{"gmsfhm":"11010518800101001X"}`)
	if status != 200 || got.Data.Total != 0 || !strings.Contains(body, `"list":[]`) {
		t.Errorf("unknown person: %d %s", status, body)
	}
}

func TestWireOrder(t *testing.T) {
	decoder := json.NewDecoder(strings.NewReader(string(appendRecord(nil, shared.Specimen().Members()))))
	var names []string
	for i := 0; ; i++ {
		token, err := decoder.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if s, ok := token.(string); ok && i%2 == 1 {
			names = append(names, s)
		}
	}
	if !slices.Equal(names, MemberNames()) {
		t.Errorf("order %v", names)
	}
}

func TestAppendString(t *testing.T) {
	for _, s := range []string{"", "a\"b\\c", "\x00\x1f\n", "𠮷·", "\u2028</script>", "\x7f"} {
		var back string
		if err := json.Unmarshal(appendString(nil, s), &back); err != nil || back != s {
			t.Errorf("%q came back as %q, %v", s, back, err)
		}
	}
}

func FuzzAppendString(f *testing.F) {
	f.Add("a\"b\\c\x00𠮷")
	f.Fuzz(func(t *testing.T, s string) {
		var back string
		want := strings.ToValidUTF8(s, "")
		if err := json.Unmarshal(appendString(nil, want), &back); err != nil || back != want {
			t.Errorf("%q came back as %q, %v", want, back, err)
		}
	})
}

func TestSearchAndHousehold(t *testing.T) {
	s := shared.Specimen()
	_, _, got, _ := call(t, "POST", "/api/czrk/search", quoted(t, map[string]string{"xm": s.XM, "csrq": s.CSRQ}))
	if got.Data.Total != 1 || got.Data.List[0]["GMSFHM"] != s.GMSFHM {
		t.Errorf("search: %+v", got)
	}
	if _, photo := got.Data.List[0]["XP"]; photo || len(got.Data.List[0]) != len(memberNames)-1 {
		t.Error("a listing must lack the photo and nothing else")
	}
	if _, _, got, _ := call(t, "POST", "/api/czrk/search", quoted(t, map[string]string{"xm": s.XM, "csrq": "18820316"})); got.Data.Total != 0 {
		t.Error("found with a wrong birth date")
	}
	_, _, got, _ = call(t, "POST", "/api/czrk/household", quoted(t, map[string]string{"hh": s.HH}))
	if got.Data.Total != 4 || got.Data.List[0]["GMSFHM"] != s.GMSFHM {
		t.Errorf("household: %+v", got)
	}
	if _, _, got, _ := call(t, "POST", "/api/czrk/household", `{"hh":"0"}`); got.Data.Total != 0 || len(got.Data.List) != 0 {
		t.Error("an unknown household has members")
	}
}

func TestListPages(t *testing.T) {
	want := shared.Division("110105")
	if len(want) < 60 {
		t.Fatalf("only %d residents", len(want))
	}
	var ids []string
	for page := 1; len(ids) < len(want); page++ {
		_, _, got, _ := call(t, "GET", "/api/czrk/list?ssxq=110105&size=50&page="+string(rune('0'+page)), "")
		if got.Data.Total != len(want) || len(got.Data.List) == 0 {
			t.Fatalf("page %d: total %d, %d records", page, got.Data.Total, len(got.Data.List))
		}
		for _, r := range got.Data.List {
			ids = append(ids, r["GMSFHM"])
		}
	}
	for i, p := range want {
		if ids[i] != p.GMSFHM {
			t.Fatalf("place %d: %s, want %s", i, ids[i], p.GMSFHM)
		}
	}
	for query, n := range map[string]int{"ssxq=110105": 20, "ssxq=110105&page=9223372036854775807&size=50": 0, "ssxq=999999": 0} {
		if status, _, got, _ := call(t, "GET", "/api/czrk/list?"+query, ""); status != 200 || len(got.Data.List) != n {
			t.Errorf("%s: %d, %d records", query, status, len(got.Data.List))
		}
	}
}

func TestRefusals(t *testing.T) {
	tests := []struct {
		method, target, body string
		status               int
	}{
		{"GET", "/healthz", "", 200},
		{"POST", "/healthz", "", 405},
		{"GET", "/", "", 404},
		{"POST", "/api/czrk", "{}", 404},
		{"POST", "/api/czrk/query/", `{"gmsfhm":"1"}`, 404},
		{"GET", "/api/czrk/query", "", 405},
		{"PUT", "/api/czrk/search", "{}", 405},
		{"POST", "/api/czrk/list?ssxq=110105", "", 405},
		{"POST", "/api/czrk/query", "", 400},
		{"POST", "/api/czrk/query", "{", 400},
		{"POST", "/api/czrk/query", `{"gmsfhm":1}`, 400},
		{"POST", "/api/czrk/query", `{"gmsfhm":"1"}x`, 400},
		{"POST", "/api/czrk/query", `{}`, 400},
		{"POST", "/api/czrk/search", `{"xm":"沈清远"}`, 400},
		{"POST", "/api/czrk/query", `{"gmsfhm":"` + strings.Repeat("1", maxRequest) + `"}`, 413},
		{"GET", "/api/czrk/list", "", 400},
		{"GET", "/api/czrk/list?ssxq=110105&size=51", "", 400},
		{"GET", "/api/czrk/list?ssxq=110105&size=0", "", 400},
		{"GET", "/api/czrk/list?ssxq=110105&page=-1", "", 400},
		{"GET", "/api/czrk/list?ssxq=110105&page=x", "", 400},
	}
	for _, tt := range tests {
		status, header, got, body := call(t, tt.method, tt.target, tt.body)
		if status != tt.status || len(body) > 100 || len(got.Data.List) > 0 {
			t.Errorf("%s %s %.30s: %d %s", tt.method, tt.target, tt.body, status, body)
		}
		if (status == 405) != (header.Get("Allow") != "") {
			t.Errorf("%s %s: Allow %q", tt.method, tt.target, header.Get("Allow"))
		}
	}
}

func TestListBody(t *testing.T) {
	longest := 0
	for _, p := range shared.residents {
		for _, m := range p.listing() {
			longest = max(longest, len(appendMember(nil, m))+len(",{}")+len(envelope(0, nil)))
		}
	}
	for _, n := range []int{0, 100, 500, 1500, 1536, 4096, 60_000, 60 << 10, 1 << 20} {
		body := shared.ListBody(n)
		var got decoded
		if err := json.Unmarshal(body, &got); err != nil || got.Data.Total != len(got.Data.List) {
			t.Errorf("%d: %v, total %d of %d", n, err, got.Data.Total, len(got.Data.List))
		}
		if len(body) > max(n, len(envelope(0, nil))) || len(body) < n-longest {
			t.Errorf("%d: %d bytes", n, len(body))
		}
	}
}
