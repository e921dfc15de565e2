package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"hukougate/module/access"
	"hukougate/module/ledger"
	"hukougate/module/registry"
)

// newRegistry starts the synthetic registry and returns its address.
func newRegistry(t *testing.T) (*registry.Registry, string) {
	t.Helper()
	people := registry.Generate(registry.DefaultSeed)
	source := httptest.NewServer(people.Handler())
	t.Cleanup(source.Close)
	return people, strings.TrimPrefix(source.URL, "http://")
}

// TestOpenBodyOutlivesNothing: a caller that is withdrawn while its request's
// body is still on the way is refused, and a body that does not come ends.
func TestOpenBodyOutlivesNothing(t *testing.T) {
	people, source := newRegistry(t)
	g := startGate(t, newSite(t, source))
	social := g.Callers[1]
	body := fmt.Sprintf(`{"citizen_id": %q}`, people.Specimen().GMSFHM)
	head, rest, _ := strings.Cut(g.lines(social, http.MethodPost, "/v1/residents/lookup", body), body)
	if rest != "" {
		t.Fatal("the body stands twice in the request")
	}

	withdrawn, stalled := dialWire(t, g, social), dialWire(t, g, social)
	withdrawn.write(t, head+body[:5])
	stalled.write(t, head+body[:5])
	editFile(t, g.Site, "callers.yaml", "  - id: social-security", "  - id: somebody-else")
	eventually(t, "a fresh request is refused", func() error {
		if got := ask(t, g, social, http.MethodPost, "/v1/residents/lookup", body, nil); got.status == http.StatusOK {
			return fmt.Errorf("status %d", got.status)
		}
		return nil
	})
	// The caller of the credential is another now, without the application.
	got, _ := withdrawn.send(t, http.MethodPost, body[5:])
	if got.status != http.StatusForbidden || bytes.Contains(got.body, []byte(people.Specimen().XM)) {
		t.Errorf("a request opened before: %d %s", got.status, got.body)
	}
	got, _ = stalled.send(t, http.MethodPost, "")
	if got.status != http.StatusRequestTimeout || !bytes.Contains(got.body, []byte(access.RequestTooSlow)) {
		t.Errorf("a body that does not come: %d %s", got.status, got.body)
	}
}

// write sends bytes and waits for no answer.
func (w *wire) write(t *testing.T, text string) {
	t.Helper()
	w.dial(t)
	if _, err := io.WriteString(w.conn, text); err != nil {
		t.Fatal(err)
	}
}

// TestSiteLogShowsNothing: Caddy's access log of a gated site, switched on by an
// operator who knows no better, holds neither credentials nor addresses asked.
func TestSiteLogShowsNothing(t *testing.T) {
	people, source := newRegistry(t)
	site := newSite(t, source)
	editFile(t, site, "Caddyfile", "\tbind 127.0.0.1\n", "\tbind 127.0.0.1\n\tlog {\n\t\toutput file \""+site.Path("site.log")+"\"\n\t}\n")
	g := startGate(t, site)
	id := people.Specimen().GMSFHM
	if got := ask(t, g, g.Callers[1], http.MethodPost, "/v1/residents/lookup?citizen_id="+id, `{"citizen_id":"`+id+`"}`, nil); got.status != http.StatusBadRequest {
		t.Errorf("status %d", got.status)
	}
	if code := g.stop(t); code != 0 {
		t.Errorf("exit code %d", code)
	}
	text, err := os.ReadFile(site.Path("site.log"))
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	for _, secret := range []string{id, g.Callers[1].Header.Get("X-Api-Key")} {
		if bytes.Contains(text, []byte(secret)) {
			t.Errorf("the site's log shows %q", secret)
		}
	}
}

// TestUsedUpPersonsTellNothing: once no further person may be seen, a search is
// refused whether or not it would find somebody.
func TestUsedUpPersonsTellNothing(t *testing.T) {
	people, source := newRegistry(t)
	site := newSite(t, source)
	editFile(t, site, "rules/limits.yaml", "role: social_security, requests_per_minute: 600, burst: 60, persons_per_day: 2000", "role: social_security, requests_per_minute: 600, burst: 60, persons_per_day: 1")
	g := startGate(t, site)
	social, other := g.Callers[1], people.Residents()[7]
	if got := ask(t, g, social, http.MethodPost, "/v1/residents/lookup", `{"citizen_id":"`+people.Specimen().GMSFHM+`"}`, nil); got.status != http.StatusOK {
		t.Fatalf("the first person: %d %s", got.status, got.body)
	}
	search := func(name string) answer {
		return ask(t, g, social, http.MethodPost, "/v1/residents/search", fmt.Sprintf(`{"name":%q,"birth_date":%q}`, name, other.CSRQ), nil)
	}
	there, nowhere := search(other.XM), search("无此人名")
	if there.status != http.StatusTooManyRequests || nowhere.status != there.status || there.header.Get("Retry-After") == "" {
		t.Errorf("found: %d, not found: %d, want 429 for both", there.status, nowhere.status)
	}
}

// TestRefusedCallerFillsNoDisk: a caller that is refused again and again has its
// refusals counted, not recorded one by one, and is served when it asks rightly.
func TestRefusedCallerFillsNoDisk(t *testing.T) {
	people, source := newRegistry(t)
	g := startGate(t, newSite(t, source))
	social := g.Callers[1]
	w := dialWire(t, g, social)
	const asked = 900
	statuses := map[int]int{}
	for range asked {
		got, _ := w.send(t, http.MethodGet, g.lines(social, http.MethodGet, "/v1/nothing", ""))
		statuses[got.status]++
	}
	if statuses[http.StatusNotFound] < 600 || statuses[http.StatusTooManyRequests] == 0 {
		t.Errorf("statuses %v, want 600 and some 404 and then 429", statuses)
	}
	if got := ask(t, g, social, http.MethodPost, "/v1/residents/lookup", `{"citizen_id":"`+people.Specimen().GMSFHM+`"}`, nil); got.status != http.StatusOK {
		t.Errorf("asked rightly: %d %s", got.status, got.body)
	}
	own, counted := 0, 0
	for _, records := range g.records(t) {
		for _, r := range records {
			switch {
			case r.Kind == ledger.KindRefusal:
				own++
			case r.Kind == ledger.KindStrangers:
				for _, s := range r.Strangers.Sources {
					if s.Source == "caller:social-security" {
						counted += s.Count
					}
				}
			}
		}
	}
	if own != statuses[http.StatusNotFound] || counted != statuses[http.StatusTooManyRequests] || own+counted != asked {
		t.Errorf("%d records of their own and %d counted for answers %v", own, counted, statuses)
	}
}

// TestStrangersAfterTheEnd: what is counted while the gate stops is recorded.
func TestStrangersAfterTheEnd(t *testing.T) {
	_, source := newRegistry(t)
	g := startGate(t, newSite(t, source))
	got := ask(t, g, g.Callers[1], http.MethodPost, "/v1/residents/lookup", "{}", http.Header{"X-Api-Key": {"hk_ss1_wrong"}})
	if got.status != http.StatusUnauthorized {
		t.Fatalf("status %d", got.status)
	}
	begun := time.Now()
	if records := g.records(t)[got.header.Get("X-Hukou-Receipt")]; len(records) != 1 || records[0].Kind != ledger.KindStrangers || records[0].Time.Before(begun.Add(-time.Minute)) {
		t.Errorf("records of the receipt: %+v", records)
	}
}
