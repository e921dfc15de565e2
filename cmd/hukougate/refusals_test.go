package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"hukougate/module/access"
	"hukougate/module/citizenid"
	"hukougate/module/demo"
	"hukougate/module/ledger"
	"hukougate/module/registry"
)

const (
	lookupPath    = "/v1/residents/lookup"
	searchPath    = "/v1/residents/search"
	householdPath = "/v1/households/lookup"
	divisionPath  = "/v1/divisions/110105/residents"
)

// halfSource is the synthetic registry, but its search and household routes
// never answer.
type halfSource struct {
	people  *registry.Registry
	address string
	asked   chan string   // path of each question that will not be answered
	ended   chan struct{} // the gate took such a question back
}

func startHalfSource(t *testing.T) *halfSource {
	s := &halfSource{people: registry.Generate(registry.DefaultSeed), asked: make(chan string, 16), ended: make(chan struct{}, 16)}
	inner := s.people.Handler()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/api/czrk/household" && r.URL.Path != "/api/czrk/search" {
			inner.ServeHTTP(w, r)
			return
		}
		_, _ = io.Copy(io.Discard, r.Body)
		s.asked <- r.URL.Path
		<-r.Context().Done()
		s.ended <- struct{}{}
	}))
	t.Cleanup(server.Close)
	s.address = strings.TrimPrefix(server.URL, "http://")
	return s
}

// unknownPerson is a valid number that nobody in the register has.
func unknownPerson(t *testing.T, people *registry.Registry) string {
	t.Helper()
	stem := people.Specimen().GMSFHM[:14]
	for n := 999; n > 0; n-- {
		first := fmt.Sprintf("%s%03d", stem, n)
		last, err := citizenid.CheckCharacter(first)
		if err != nil {
			t.Fatal(err)
		}
		if id := first + string(last); !known(people, id) {
			return id
		}
	}
	t.Fatal("every number is taken")
	return ""
}

func known(people *registry.Registry, id string) bool {
	_, ok := people.ByID(id)
	return ok
}

func lookupBody(id string) string { return `{"citizen_id":"` + id + `"}` }

// refusal is one request that must be refused, and how.
type refusal struct {
	name           string
	who            demo.Caller
	method, target string
	body           string
	lines          []string // header lines; "Name:" leaves the line out that would be added
	status         int
	code           access.Reason
	allow          string // the Allow header of a 405
}

// desk is what the refusal tests stand on: a gate, its callers, and receipts to
// be held against the ledger at the end.
type desk struct {
	*gate
	source              *halfSource
	clerk, social, bank demo.Caller
	id, nobody          string
	expected            []expectation
}

type expectation struct {
	name, receipt, caller string
	code                  access.Reason
	status                int
}

// extraGrants of the tests' own, by the reason a query under them is refused for.
var extraGrants = []struct {
	application string
	like        string
	change      func(*access.Grant)
}{
	{"APP-T-REVOKED", "APP-2026-0002", func(g *access.Grant) { g.Revoked = true }},
	{"APP-T-EARLY", "APP-2026-0002", func(g *access.Grant) { g.NotBefore = time.Now().AddDate(1, 0, 0) }},
	{"APP-T-PLEDGE", "APP-2026-0002", func(g *access.Grant) { g.Agreement = time.Now().Add(-time.Hour) }},
	{"APP-T-MISFIT", "APP-2026-0002", func(g *access.Grant) { g.Scope = "no-such-scope" }},
	{"APP-T-RATE", "APP-2026-0002", func(g *access.Grant) { g.Budget.RequestsPerMinute = 1 }},
	{"APP-T-PERSONS", "APP-2026-0003", func(g *access.Grant) { g.Budget.PersonsPerDay = 1 }},
}

func newDesk(t *testing.T) *desk {
	source := startHalfSource(t)
	site := newSite(t, source.address)
	editFile(t, site, "rules/resources.yaml", "path: /api/czrk/household, timeout: 10s", "path: /api/czrk/household, timeout: 200ms")
	editFile(t, site, "rules/resources.yaml", "path: /api/czrk/search, timeout: 10s", "path: /api/czrk/search, timeout: 60s")
	issuer := newIssuer(t, site)
	for _, e := range extraGrants {
		issue(t, site, issuer, e.like, e.application, e.change)
	}
	d := &desk{gate: startGate(t, site), source: source, clerk: site.Callers[0], social: site.Callers[1], bank: site.Callers[2]}
	d.id, d.nobody = source.people.Specimen().GMSFHM, unknownPerson(t, source.people)
	return d
}

// TestRefusals asks everything that must be refused: over HTTP/1.1 byte by byte,
// in Chinese and in English, and over HTTP/2 what a client can say there.
func TestRefusals(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.useUpBudgets(t)
	var provoked []access.Reason
	for _, rows := range [][]refusal{d.credentialRows(), d.pathRows(), d.methodRows(), d.parameterRows(), d.typeRows(), d.grantRows(), d.sourceRows()} {
		for _, row := range rows {
			provoked = append(provoked, row.code)
			t.Run(row.name, func(t *testing.T) { d.refused(t, row) })
		}
	}
	t.Run("client gone", d.clientGone)
	provoked = append(provoked, access.ClientGone)
	d.held(t)

	// What these tests don't provoke must be named here, with the reason why.
	for _, why := range access.Reasons() {
		elsewhere := slices.Contains([]access.Reason{
			access.SourceStatus, access.SourceType, access.SourceEncoding, access.SourceTooLarge, access.SourceMalformed, // hostile_test.go
			access.SourceDuplicate, access.SourceShape, access.SourceTruncated,
			access.CredentialConflict, access.TooManyFailures, // identity_test.go, TestFloodOfStrangers
			access.SourceUnreachable,                                                  // TestSourceDown
			access.RulesUnavailable, access.LedgerUnavailable, access.KeysUnavailable, // a gate without them does not start; package tests
			access.QuotaUnavailable, access.InternalError,
			access.RequestTooSlow, // TestOpenBodyOutlivesNothing
		}, why)
		if slices.Contains(provoked, why) == elsewhere {
			t.Errorf("reason %s: provoked here %v, said to be elsewhere %v", why, !elsewhere, elsewhere)
		}
	}
}

// useUpBudgets spends the budgets the grant rows find empty.
func (d *desk) useUpBudgets(t *testing.T) {
	for _, c := range []struct {
		who         demo.Caller
		application string
	}{{d.social, "APP-T-RATE"}, {d.bank, "APP-T-PERSONS"}} {
		got := ask(t, d.gate, c.who, "POST", lookupPath, lookupBody(d.id), http.Header{"X-Hukou-Application": {c.application}})
		if got.status != 200 {
			t.Fatalf("%s: %d %s", c.application, got.status, got.body)
		}
	}
}

// refused sends one row in both languages and by both protocols, and checks the
// answers.
func (d *desk) refused(t *testing.T, row refusal) {
	t.Helper()
	w := dialWire(t, d.gate, row.who)
	for _, language := range []string{"", "Accept-Language: en-GB, zh;q=0.5"} {
		lines := slices.DeleteFunc(append(slices.Clone(row.lines), language), func(line string) bool { return line == "" })
		got, _ := w.send(t, row.method, d.lines(row.who, row.method, row.target, row.body, lines...))
		d.problem(t, row, got, language != "")
	}
	// The rest can't be said in HTTP/2, or net/http would say it otherwise.
	if u, err := url.ParseRequestURI(row.target); err == nil && u.Host == "" && u.RequestURI() == row.target && len(row.lines) == 0 && !strings.Contains(row.target, "#") {
		got := ask(t, d.gate, row.who, row.method, row.target, row.body, http.Header{"Accept-Language": {"fr"}})
		d.problem(t, row, got, false)
	}
}

// problemHeaders are all a refusal may carry.
var problemHeaders = []string{
	"Allow", "Cache-Control", "Connection", "Content-Language", "Content-Length", "Content-Type", "Date",
	"Retry-After", "Server", "Www-Authenticate", "X-Content-Type-Options", "X-Hukou-Receipt",
}

func (d *desk) problem(t *testing.T, row refusal, got answer, english bool) {
	t.Helper()
	explained := access.Explain(row.code)
	title, detail, language := explained.Title.Chinese, explained.Detail.Chinese, "zh-CN"
	if english {
		title, detail, language = explained.Title.English, explained.Detail.English, "en"
	}
	receipt := got.header.Get("X-Hukou-Receipt")
	d.expected = append(d.expected, expectation{row.name, receipt, row.who.ID, row.code, row.status})
	if got.status != row.status || row.status != explained.Status {
		t.Errorf("status %d, want %d; %s", got.status, row.status, got.body)
	}
	kind, _, err := mime.ParseMediaType(got.header.Get("Content-Type"))
	if err != nil || kind != "application/problem+json" {
		t.Errorf("Content-Type %q", got.header.Get("Content-Type"))
	}
	for name, want := range map[string]string{"Content-Language": language, "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Allow": row.allow} {
		if got.header.Get(name) != want {
			t.Errorf("%s %q, want %q", name, got.header.Get(name), want)
		}
	}
	for name := range got.header {
		if !slices.Contains(problemHeaders, name) {
			t.Errorf("unexpected header %s: %q", name, got.header[name])
		}
	}
	if seconds, err := strconv.Atoi(got.header.Get("Retry-After")); row.status == 429 && (err != nil || seconds < 1) {
		t.Errorf("Retry-After %q", got.header.Get("Retry-After"))
	}
	if (got.header.Get("WWW-Authenticate") != "") != (row.status == 401) {
		t.Errorf("WWW-Authenticate %q", got.header.Get("WWW-Authenticate"))
	}
	if row.method == http.MethodHead {
		if len(got.body) > 0 {
			t.Errorf("HEAD has a body: %s", got.body)
		}
		return
	}
	var members struct {
		Type, Title, Detail, Code, Receipt string
		Status                             int
	}
	decoder := json.NewDecoder(bytes.NewReader(got.body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&members); err != nil {
		t.Fatalf("%v: %s", err, got.body)
	}
	want := members
	want.Type, want.Title, want.Detail, want.Code, want.Receipt, want.Status = "urn:hukougate:problem:"+string(row.code), title, detail, string(row.code), receipt, row.status
	if members != want || receipt == "" {
		t.Errorf("got  %+v\nwant %+v", members, want)
	}
}

// held stops the gate and holds every receipt against the ledger.
func (d *desk) held(t *testing.T) {
	t.Helper()
	records := d.records(t)
	for _, e := range d.expected {
		if e.receipt == "" {
			continue // complained of already
		}
		found := records[e.receipt]
		if len(found) != 1 {
			t.Errorf("%s: %d records of receipt %s", e.name, len(found), e.receipt)
			continue
		}
		r := found[0]
		if e.caller == "" {
			if r.Kind != ledger.KindStrangers || !slices.ContainsFunc(r.Strangers.Reasons, func(c ledger.ReasonCount) bool { return c.Reason == e.code }) {
				t.Errorf("%s: not counted among strangers: %+v", e.name, r)
			}
			continue
		}
		if r.Kind != ledger.KindRefusal || r.Reason != e.code || r.Status != e.status || r.Caller != e.caller || r.Rules == "" || r.Peer != "127.0.0.1" ||
			(r.Route == "") != slices.Contains([]access.Reason{access.PathNotCanonical, access.RouteUnknown, access.MethodNotAllowed}, e.code) {
			t.Errorf("%s: want reason %s, status %d, caller %s in %+v", e.name, e.code, e.status, e.caller, r)
		}
	}
	all := d.everything(t)
	for _, secret := range []string{d.id, d.nobody, d.source.people.Specimen().XM, d.social.Header.Get("X-Api-Key"), strings.TrimPrefix(d.clerk.Header.Get("Authorization"), "Bearer ")} {
		if bytes.Contains(all, []byte(secret)) {
			t.Errorf("%.24s… stands in the ledger or a log", secret)
		}
	}
}

// clientGone leaves before the source answers: the gate takes its question back
// and records why.
func (d *desk) clientGone(t *testing.T) {
	ctx, leave := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, "POST", d.URL(searchPath), strings.NewReader(`{"name":"王文明","birth_date":"18990101"}`))
	if err != nil {
		t.Fatal(err)
	}
	r.Header = d.clerk.Header.Clone()
	r.Header.Set("Content-Type", "application/json")
	client := d.Client(d.clerk)
	defer client.CloseIdleConnections()
	done := make(chan error, 1)
	go func() {
		res, err := client.Do(r)
		if err == nil {
			_ = res.Body.Close()
		}
		done <- err
	}()
	for path := range d.source.asked {
		if path == "/api/czrk/search" {
			break
		}
	}
	leave()
	if err := <-done; err == nil {
		t.Error("the question was answered")
	}
	<-d.source.ended
	eventually(t, "a record of the client that left", func() error {
		all, err := d.scan()
		if err == nil && !slices.ContainsFunc(all, func(r ledger.Record) bool {
			return r.Kind == ledger.KindRefusal && r.Reason == access.ClientGone && r.Caller == d.clerk.ID && r.Route == "resident-search"
		}) {
			err = fmt.Errorf("none among %d records", len(all))
		}
		return err
	})
}

// TestSourceDown asks a gate whose source does not listen.
func TestSourceDown(t *testing.T) {
	t.Parallel()
	site := newSite(t, fmt.Sprintf("127.0.0.1:%d", freePort(t)))
	people := registry.Generate(registry.DefaultSeed)
	d := &desk{gate: startGate(t, site), source: &halfSource{people: people}, clerk: site.Callers[0], social: site.Callers[1], bank: site.Callers[2],
		id: people.Specimen().GMSFHM, nobody: unknownPerson(t, people)}
	for _, id := range []string{d.id, d.nobody} {
		d.refused(t, refusal{"source down", d.social, "POST", lookupPath, lookupBody(id), nil, 502, access.SourceUnreachable, ""})
	}
	d.held(t)
}
