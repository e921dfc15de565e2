package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"os"
	"slices"
	"strings"
	"testing"

	"hukougate/module/access"
	"hukougate/module/demo"
	"hukougate/module/ledger"
	"hukougate/module/registry/hostile"
	"hukougate/module/rules"
)

// siege is a gate in front of a hostile source, with two callers: one that may
// see none of the canaries and one that may see many.
type siege struct {
	*gate
	source      *hostile.Server
	canaries    hostile.Canaries
	hunt        hunter
	bank, clerk demo.Caller
	allowed     map[string][]string // by caller, the fields whose canaries it may see
	expected    []expectation
}

func newSiege(t *testing.T) *siege {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &siege{source: hostile.Serve(l, nil), canaries: hostile.DefaultCanaries(), hunt: newHunter(hostile.DefaultCanaries())}
	t.Cleanup(func() { _ = s.source.Close() })
	site := newSite(t, l.Addr().String())
	for _, role := range []string{"registry_clerk, requests_per_minute: 600, burst: 60", "partner_bank, requests_per_minute: 120, burst: 20"} {
		name, _, _ := strings.Cut(role, ",")
		editFile(t, site, "rules/limits.yaml", role, name+", requests_per_minute: 600000, burst: 60000")
	}
	// The bank may look up only; its timeout stays long, so that a slow machine
	// does not turn other refusals into timeouts.
	editFile(t, site, "rules/resources.yaml", "path: /api/czrk/search, timeout: 10s", "path: /api/czrk/search, timeout: 300ms")
	editFile(t, site, "rules/resources.yaml", "path: /api/czrk/query, timeout: 10s", "path: /api/czrk/query, timeout: 60s")
	issue(t, site, newIssuer(t, site), "APP-2026-0003", "APP-T-BANK", func(g *access.Grant) { g.Budget = access.GrantBudget{} })
	s.gate = startGate(t, site)
	s.clerk, s.bank = site.Callers[0], site.Callers[2]
	s.bank.Header = http.Header{"X-Hukou-Application": {"APP-T-BANK"}}
	s.allowed = map[string][]string{s.bank.ID: s.clear(t, "bank-kyc"), s.clerk.ID: s.clear(t, "registry-clerk")}
	return s
}

// clear names the canaries a scope shows as they are.
func (s *siege) clear(t *testing.T, scope string) (fields []string) {
	t.Helper()
	snapshot, err := rules.Load(os.DirFS(s.Path("rules")))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range snapshot.Members(snapshot.Resource("resident")) {
		if snapshot.Scope(scope).Outcome(m.Field).Kind == access.Clear && slices.ContainsFunc(s.canaries, func(c hostile.Canary) bool { return c.Field == m.Name }) {
			fields = append(fields, m.Name)
		}
	}
	return fields
}

const searchBody = `{"name":"王文明","birth_date":"18990101"}`

// TestHostileSource plays every case to both callers, over HTTP/1.1 and HTTP/2,
// and looks for canaries in every byte a client gets and in all the gate wrote.
func TestHostileSource(t *testing.T) {
	t.Parallel()
	s := newSiege(t)
	id := s.canaries.Value("GMSFHM")
	wires := map[string]*wire{s.bank.ID: dialWire(t, s.gate, s.bank), s.clerk.ID: dialWire(t, s.gate, s.clerk)}
	t.Run("control", func(t *testing.T) { s.control(t, id) })
	for _, c := range hostile.Cases() {
		t.Run(c.Name, func(t *testing.T) {
			s.set(t, c.Name)
			if c.Expect == access.SourceTimeout {
				s.asked(t, c, s.clerk, wires[s.clerk.ID], searchPath, searchBody)
				s.asked2(t, c, s.clerk, searchPath, searchBody)
				return
			}
			for _, who := range []demo.Caller{s.bank, s.clerk} {
				s.asked(t, c, who, wires[who.ID], lookupPath, lookupBody(id))
				s.asked2(t, c, who, lookupPath, lookupBody(id))
			}
		})
	}
	t.Run("truncated at every byte", func(t *testing.T) {
		for n := range s.source.Length() {
			s.set(t, hostile.Truncated(n).Name)
			s.asked(t, hostile.Truncated(n), s.bank, wires[s.bank.ID], lookupPath, lookupBody(id))
			s.set(t, hostile.Cut(n).Name)
			s.asked(t, hostile.Cut(n), s.clerk, wires[s.clerk.ID], lookupPath, lookupBody(id))
		}
	})
	s.held(t)
}

func (s *siege) set(t *testing.T, name string) {
	t.Helper()
	if err := s.source.Set(name); err != nil {
		t.Fatal(err)
	}
}

// control shows that the canaries are found where they may be seen, so that
// their absence elsewhere says something.
func (s *siege) control(t *testing.T, id string) {
	s.set(t, "plain")
	got, raw := dialWire(t, s.gate, s.clerk).send(t, "POST", s.lines(s.clerk, "POST", lookupPath, lookupBody(id)))
	leaks := s.hunt.leaks(raw)
	slices.Sort(leaks)
	want := slices.Sorted(slices.Values(s.allowed[s.clerk.ID]))
	if got.status != 200 || len(want) < 8 || !slices.Equal(leaks, want) {
		t.Errorf("the clerk: %d, sees %v, want %v", got.status, leaks, want)
	}
	got, raw = dialWire(t, s.gate, s.bank).send(t, "POST", s.lines(s.bank, "POST", lookupPath, lookupBody(id)))
	var body struct {
		Data struct{ List []map[string]string }
	}
	if err := json.Unmarshal(got.body, &body); err != nil || len(body.Data.List) != 1 {
		t.Fatalf("the bank: %d %s", got.status, raw)
	}
	record := body.Data.List[0]
	for name, value := range map[string]string{"XM": "王****", "GMSFHM": id[:1] + "****" + id[16:], "SSXQ": "110105", "RYZT": "0"} {
		if record[name] != value {
			t.Errorf("the bank: %s is %q, want %q", name, record[name], value)
		}
	}
	if len(record) != 4 || len(s.allowed[s.bank.ID]) != 0 {
		t.Errorf("the bank sees %v", record)
	}
}

// asked sends a question over HTTP/1.1 and judges every byte that comes back.
func (s *siege) asked(t *testing.T, c hostile.Case, who demo.Caller, w *wire, path, body string) {
	t.Helper()
	got, raw := w.send(t, "POST", s.lines(who, "POST", path, body))
	s.judge(t, c, who, got, raw)
	if n := bytes.Count(raw, []byte("HTTP/1.1 ")); n != 1 {
		t.Errorf("%s: %d status lines: %q", c.Name, n, raw)
	}
}

// asked2 does so over HTTP/2, with what net/http tells of 1xx answers and trailers.
func (s *siege) asked2(t *testing.T, c hostile.Case, who demo.Caller, path, body string) {
	t.Helper()
	var all bytes.Buffer
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
		t.Errorf("%s: a %d with %v", c.Name, code, h)
		return nil
	}})
	r, err := http.NewRequestWithContext(ctx, "POST", s.URL(path), strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header = who.Header.Clone()
	r.Header.Set("Content-Type", "application/json")
	client := s.Client(who)
	defer client.CloseIdleConnections()
	res, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil || res.ProtoMajor != 2 || len(res.Trailer) > 0 {
		t.Errorf("%s: %s, trailers %v: %v", c.Name, res.Proto, res.Trailer, err)
	}
	fmt.Fprintf(&all, "%s %v %v\n", res.Status, res.Header, res.Trailer)
	all.Write(text)
	s.judge(t, c, who, answer{res.StatusCode, res.Header, text}, all.Bytes())
}

// releaseHeaders are all an answer with data may carry.
var releaseHeaders = []string{"Cache-Control", "Content-Length", "Content-Type", "Date", "Server", "X-Content-Type-Options", "X-Hukou-Receipt"}

func (s *siege) judge(t *testing.T, c hostile.Case, who demo.Caller, got answer, raw []byte) {
	t.Helper()
	receipt := got.header.Get("X-Hukou-Receipt")
	var problem struct{ Code access.Reason }
	headers, allowed := releaseHeaders, s.allowed[who.ID]
	if got.status != 200 {
		headers, allowed = problemHeaders, nil
		if err := json.Unmarshal(got.body, &problem); err != nil {
			t.Errorf("%s: %s: %v: %s", c.Name, who.ID, err, raw)
		}
		if got.status != access.Explain(problem.Code).Status || !strings.HasPrefix(string(problem.Code), "source_") {
			t.Errorf("%s: %s: refused with %d %s", c.Name, who.ID, got.status, problem.Code)
		}
	} else if !json.Valid(got.body) {
		t.Errorf("%s: %s: not JSON: %s", c.Name, who.ID, got.body)
	}
	if c.Expect != "" && problem.Code != c.Expect {
		t.Errorf("%s: %s: %d %s, want %s", c.Name, who.ID, got.status, problem.Code, c.Expect)
	}
	for name := range got.header {
		if !slices.Contains(headers, name) {
			t.Errorf("%s: header %s: %q", c.Name, name, got.header[name])
		}
	}
	for _, field := range s.hunt.leaks(raw) {
		if !slices.Contains(allowed, field) {
			t.Errorf("%s: %s sees the canary of %s in %q", c.Name, who.ID, field, raw)
		}
	}
	s.expected = append(s.expected, expectation{c.Name, receipt, who.ID, problem.Code, got.status})
}

// held stops the gate: each answer has its one record, and nothing the gate
// wrote holds a canary, not even one a caller may see.
func (s *siege) held(t *testing.T) {
	t.Helper()
	records := s.records(t)
	for _, e := range s.expected {
		found := records[e.receipt]
		if len(found) != 1 {
			t.Errorf("%s: %d records of receipt %q", e.name, len(found), e.receipt)
			continue
		}
		r := found[0]
		kind := ledger.KindRefusal
		if e.status == 200 {
			kind = ledger.KindAccess
		}
		if r.Kind != kind || r.Reason != e.code || r.Status != e.status || r.Caller != e.caller {
			t.Errorf("%s: want %+v, recorded %+v", e.name, e, r)
		}
	}
	paths, err := os.ReadDir(s.Path("ledger"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("%d files of the ledger: %v", len(paths), err)
	}
	all := s.everything(t)
	for _, line := range bytes.Split(all, []byte("\n")) {
		if leaks := s.hunt.leaks(line); len(leaks) > 0 {
			t.Errorf("the canaries of %v stand in the ledger or a log: %.500q", leaks, line)
		}
	}
}
