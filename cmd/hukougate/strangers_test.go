package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"hukougate/module/access"
	"hukougate/module/demo"
	"hukougate/module/ledger"
)

// TestRefusalsDoNotTellWhoExists compares the refusals of a person who is in the
// register with those of one who is not.
func TestRefusalsDoNotTellWhoExists(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.useUpBudgets(t)
	for _, path := range []string{lookupPath, searchPath} {
		for _, c := range []struct {
			who         demo.Caller
			application string
		}{
			{demo.Caller{}, ""}, {d.bank, ""}, {d.bank, "APP-2024-0007"}, {d.bank, "APP-2099-0001"}, {d.bank, "APP-2026-0001"}, {d.bank, "APP-T-PERSONS"},
			{d.social, "APP-T-REVOKED"}, {d.social, "APP-T-EARLY"}, {d.social, "APP-T-PLEDGE"}, {d.social, "APP-T-MISFIT"}, {d.social, "APP-T-RATE"},
		} {
			if c.application == "APP-T-PERSONS" && path == lookupPath {
				continue // its budget is the specimen's; compared below
			}
			d.alike(t, c.who, c.application, path, d.id, d.nobody)
		}
	}
	other := d.source.people.Residents()[5].GMSFHM
	d.alike(t, d.bank, "APP-T-PERSONS", lookupPath, other, d.nobody)
}

func (d *desk) alike(t *testing.T, who demo.Caller, application, path, existing, unknown string) {
	t.Helper()
	var seen []string
	for _, id := range []string{existing, unknown} {
		body := lookupBody(id)
		if path == searchPath {
			resident, _ := d.source.people.ByID(id)
			body = fmt.Sprintf(`{"name":%q,"birth_date":"18990101"}`, "王"+resident.XMM+"某")
		}
		header := http.Header{}
		if who.Header != nil {
			header["X-Hukou-Application"] = nil
		}
		if application != "" {
			header.Set("X-Hukou-Application", application)
		}
		got := ask(t, d.gate, who, "POST", path, body, header)
		if got.status < 400 {
			t.Fatalf("%s %s %s: %d", who.ID, application, path, got.status)
		}
		text := strings.ReplaceAll(string(got.body), got.header.Get("X-Hukou-Receipt"), "RECEIPT")
		for _, name := range []string{"X-Hukou-Receipt", "Date", "Retry-After"} { // the last counts down to midnight
			got.header.Del(name)
		}
		seen = append(seen, fmt.Sprintf("%d %v %s", got.status, got.header, text))
	}
	if seen[0] != seen[1] {
		t.Errorf("%s %s %s: a person who exists and one who doesn't are told apart:\n%s\n%s", who.ID, application, path, seen[0], seen[1])
	}
}

// TestFloodOfStrangers sends many requests without a credential: they are
// counted, not recorded one by one, and callers are served beside them.
func TestFloodOfStrangers(t *testing.T) {
	t.Parallel()
	const flood = 500
	d := newDesk(t)
	begun := time.Now()
	counts, receipts := map[int]int{}, map[string]bool{}
	w := dialWire(t, d.gate, demo.Caller{})
	for i := range flood {
		if i%100 == 50 {
			if got := ask(t, d.gate, d.social, "POST", lookupPath, lookupBody(d.id), nil); got.status != 200 {
				t.Errorf("a caller beside the flood: %d %s", got.status, got.body)
			}
		}
		got, _ := w.send(t, "GET", d.lines(demo.Caller{}, "GET", fmt.Sprintf("/v1/guess/%d", i), ""))
		counts[got.status]++
		receipts[got.header.Get("X-Hukou-Receipt")] = true
		if i < 20 && got.status != 401 { // the burst a source may fail in
			t.Errorf("request %d: %d", i, got.status)
		}
		if got.status == 429 && (got.header.Get("Retry-After") == "" || !strings.Contains(string(got.body), `"too_many_failures"`)) {
			t.Errorf("request %d: %v %s", i, got.header, got.body)
		}
	}
	// One window a second, one before and one after.
	windows := int(time.Since(begun)/time.Second) + 3
	if counts[401]+counts[429] != flood || counts[429] == 0 {
		t.Errorf("statuses %v", counts)
	}
	records, total := 0, map[access.Reason]int{}
	for receipt, found := range d.records(t) {
		for _, r := range found {
			if r.Kind != ledger.KindStrangers {
				continue
			}
			records++
			if len(r.Strangers.Sources) != 1 || r.Strangers.Sources[0] != (ledger.SourceCount{Source: "127.0.0.1", Count: r.Strangers.Count}) {
				t.Errorf("sources %+v of %d", r.Strangers.Sources, r.Strangers.Count)
			}
			if !receipts[receipt] {
				t.Errorf("record %s was told to nobody", receipt)
			}
			for _, c := range r.Strangers.Reasons {
				total[c.Reason] += c.Count
			}
		}
	}
	if records < 1 || records > windows || len(receipts) != records {
		t.Errorf("%d records and %d receipts, want at most %d", records, len(receipts), windows)
	}
	if total[access.CredentialMissing] != counts[401] || total[access.TooManyFailures] != counts[429] || len(total) != 2 {
		t.Errorf("recorded %v, answered %v", total, counts)
	}
}

// TestNeverAtTheGate sends what Go's server and Caddy refuse before the handler:
// nothing but a status comes back, and nothing was asked.
func TestNeverAtTheGate(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	get := func(target, host string, lines ...string) string {
		return fmt.Sprintf("GET %s HTTP/1.1\r\nHost: %s\r\nX-Api-Key: %s\r\n%s\r\n", target, host, d.social.Header.Get("X-Api-Key"), strings.Join(append(lines, ""), "\r\n"))
	}
	here := fmt.Sprintf("localhost:%d", d.Port)
	for _, c := range []struct {
		name, request string
		status        int
	}{
		{"another host", get(lookupPath, "source.invalid"), 421},
		{"another host in the target", get("http://source.invalid"+lookupPath, here), 421},
		{"the source as host", get(lookupPath, d.source.address), 421},
		{"two hosts", get(lookupPath, here, "Host: "+here), 400},
		{"no host", "GET " + lookupPath + " HTTP/1.1\r\n\r\n", 400},
		{"an escape there is not", get("/v1/residents/%zz", here), 400},
		{"a control character", get("/v1/residents/\x01", here), 400},
		{"a space in the target", get("/v1/residents/lookup x", here), 400},
		{"no slash", get("v1/residents/lookup", here), 400},
		{"a space before the colon", get(lookupPath, here, "X-Hukou-Application : APP-2026-0003"), 400},
		{"two lengths", get(lookupPath, here, "Content-Length: 1", "Content-Length: 2"), 400},
		{"another transfer coding", get(lookupPath, here, "Transfer-Encoding: gzip, chunked"), 501},
		{"a header without end", get(lookupPath, here, "X-Long: "+strings.Repeat("x", 2<<20)), 431},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, _ := dialWire(t, d.gate, d.social).send(t, "GET", c.request)
			if got.status != c.status || got.header.Get("X-Hukou-Receipt") != "" || len(got.body) > 100 {
				t.Errorf("got %d %v %.200s, want %d", got.status, got.header, got.body, c.status)
			}
		})
	}
	for _, found := range d.records(t) {
		for _, r := range found {
			if r.Kind == ledger.KindAccess || r.Kind == ledger.KindRefusal {
				t.Errorf("recorded: %+v", r)
			}
		}
	}
}
