package main

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"hukougate/module/demo"
	"hukougate/module/ledger"
	"hukougate/module/registry"
)

const (
	crashClients     = 10
	crashRoundsShort = 5
	// The gate is killed after 1 to this many answers: too few for the refusals of
	// one caller to be counted together instead of recorded one by one.
	crashMaxAnswers = 400
)

// taken is an answer a client received, wholly or in part.
type taken struct {
	receipt  string
	stranger bool // by a client that proved nothing
	status   int
	bytes    int
	whole    bool
}

// question is one request of the load.
type question struct {
	caller             demo.Caller // its zero value: a stranger
	method, path, body string
}

// TestCrashUnderLoad: whatever a client got out of a gate that was killed at a
// random moment, again and again, has its record in one intact ledger.
//
// kill -9 leaves what was handed to the kernel, so this proves the order of
// record and release; that a record also survives a power cut is module/ledger's
// promise about fdatasync(2).
func TestCrashUnderLoad(t *testing.T) {
	rounds, seed := crashSettings(t)
	people := registry.Generate(registry.DefaultSeed)
	source := httptest.NewServer(people.Handler())
	defer source.Close()
	site := newSite(t, strings.TrimPrefix(source.URL, "http://"))
	for _, persons := range []string{"500", "2000"} { // the load must not end in 429s
		editFile(t, site, "rules/limits.yaml", "requests_per_minute: 600, burst: 60, persons_per_day: "+persons,
			"requests_per_minute: 1000000, burst: 1000000, persons_per_day: 1000000")
	}
	random := rand.New(rand.NewPCG(seed, 0))
	var all []taken
	var begun int
	for round := range rounds {
		g := startGate(t, site)
		target, extra := 1+random.IntN(crashMaxAnswers), time.Duration(random.IntN(5000))*time.Microsecond
		got, inFlight := load(t, g, questions(site, people, random), random.Uint64(), target, extra)
		t.Logf("round %d: killed %v after answer %d; %d answers in all, %d requests got none", round+1, extra, target, len(got), inFlight)
		all, begun = append(all, got...), begun+inFlight
	}
	if code := startGate(t, site).stop(t); code != 0 {
		t.Errorf("after %d crashes the gate starts, but ends with exit code %d", rounds, code)
	}
	holdAgainstLedger(t, site.Path("ledger"), all, rounds, begun)
}

func crashSettings(t *testing.T) (rounds int, seed uint64) {
	rounds, seed = crashRoundsShort, rand.Uint64()
	var err error
	if text := os.Getenv("HUKOU_CRASH_ROUNDS"); text != "" {
		if rounds, err = strconv.Atoi(text); err != nil || rounds < 1 {
			t.Fatalf("HUKOU_CRASH_ROUNDS=%q is not a number of rounds", text)
		}
	}
	if text := os.Getenv("HUKOU_CRASH_SEED"); text != "" {
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatalf("HUKOU_CRASH_SEED=%q is not a seed", text)
		}
	}
	t.Logf("%d rounds, %d clients, HUKOU_CRASH_SEED=%d", rounds, crashClients, seed)
	return rounds, seed
}

// questions makes a mixture of what is released and what is refused, large
// answers among them, so that some break off midway.
func questions(site *demo.Site, people *registry.Registry, random *rand.Rand) []question {
	clerk, social, bank := site.Callers[0], site.Callers[1], site.Callers[2]
	someone := func() registry.Resident { return people.Residents()[random.IntN(len(people.Residents()))] }
	lookup := func(c demo.Caller) question {
		return question{c, http.MethodPost, "/v1/residents/lookup", fmt.Sprintf(`{"citizen_id":%q}`, someone().GMSFHM)}
	}
	page := func(n int) question {
		return question{clerk, http.MethodGet, fmt.Sprintf("/v1/divisions/%s/residents?page=%d&size=50", people.Specimen().SSXQ, n), ""}
	}
	return []question{
		page(1), page(2), page(1), lookup(clerk), lookup(clerk), lookup(social), lookup(bank),
		{clerk, http.MethodPost, "/v1/households/lookup", fmt.Sprintf(`{"household_no":%q}`, someone().HH)},
		{bank, http.MethodPost, "/v1/households/lookup", fmt.Sprintf(`{"household_no":%q}`, someone().HH)},
		{social, http.MethodPost, "/v1/residents/lookup", `{"citizen_id":"440524188001010010"}`},
		{clerk, http.MethodGet, "/v1/nothing", ""},
		{demo.Caller{}, http.MethodGet, "/v1/nothing", ""},
	}
}

// load asks from all clients at once, kills the gate a moment after the target
// number of answers, and returns every answer received and how many requests got
// none.
func load(t *testing.T, g *gate, mix []question, seed uint64, target int, extra time.Duration) (all []taken, unanswered int) {
	t.Helper()
	var (
		mu      sync.Mutex
		count   atomic.Int64
		killed  atomic.Bool
		clients sync.WaitGroup
	)
	reached := make(chan struct{})
	for n := range crashClients {
		clients.Go(func() {
			c := crashClient(g, n)
			random := rand.New(rand.NewPCG(seed, uint64(n)))
			for {
				got, err := c.ask(mix[random.IntN(len(mix))])
				if got.receipt != "" {
					mu.Lock()
					all = append(all, got)
					mu.Unlock()
					if count.Add(1) == int64(target) {
						close(reached)
					}
				}
				if err == nil {
					continue
				}
				if !killed.Load() {
					t.Errorf("client %d: before the kill: %v", n, err)
				}
				if got.receipt == "" {
					mu.Lock()
					unanswered++
					mu.Unlock()
				}
				return
			}
		})
	}
	select {
	case <-reached:
	case <-g.exited:
		t.Error("the gate ended by itself")
	}
	time.Sleep(extra) // the random moment itself; nothing waits for it
	killed.Store(true)
	g.kill()
	clients.Wait()
	return all, unanswered
}

type crasher struct {
	url     func(string) string
	clients map[string]*http.Client // by caller
}

// crashClient makes a client with connections of its own, every other one
// speaking HTTP/1.1.
func crashClient(g *gate, n int) *crasher {
	c := &crasher{url: g.URL, clients: map[string]*http.Client{}}
	for _, caller := range append([]demo.Caller{{}}, g.Callers...) {
		client := g.Client(caller)
		client.Transport.(*http.Transport).ForceAttemptHTTP2 = n%2 == 0
		c.clients[caller.ID] = client
	}
	return c
}

// ask returns what was received, which may be part of an answer beside an error.
func (c *crasher) ask(q question) (taken, error) {
	r, err := http.NewRequest(q.method, c.url(q.path), strings.NewReader(q.body))
	if err != nil {
		return taken{}, err
	}
	if q.caller.Header != nil {
		r.Header = q.caller.Header.Clone()
	}
	if q.method == http.MethodPost {
		r.Header.Set("Content-Type", "application/json")
	}
	res, err := c.clients[q.caller.ID].Do(r)
	if err != nil {
		return taken{}, err
	}
	defer res.Body.Close()
	got := taken{receipt: res.Header.Get("X-Hukou-Receipt"), status: res.StatusCode, stranger: q.caller.ID == ""}
	if got.receipt == "" {
		return got, fmt.Errorf("%s %s: status %d without a receipt", q.method, q.path, res.StatusCode)
	}
	body, err := io.ReadAll(res.Body)
	got.bytes, got.whole = len(body), err == nil
	return got, err
}

// holdAgainstLedger finds the one record of every answer. Strangers are told the
// receipt of a second's count, which is recorded after their answers and may die
// with the gate: they are told nothing that needs a record.
func holdAgainstLedger(t *testing.T, dir string, all []taken, rounds, unanswered int) {
	t.Helper()
	report, err := ledger.Verify(dir, ledger.VerifyOptions{})
	if err != nil {
		t.Fatalf("the ledger is not intact after %d crashes: %v", rounds, err)
	}
	records := map[string]ledger.Record{}
	kinds := map[ledger.Kind]int{}
	if err := ledger.Scan(dir, func(_ ledger.Position, r ledger.Record) error {
		kinds[r.Kind]++
		if _, twice := records[r.Receipt]; twice && r.Receipt != "" {
			t.Errorf("receipt %s has two records", r.Receipt)
		}
		records[r.Receipt] = r
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	released, refused, strangers, brokenOff := 0, 0, 0, 0
	for _, a := range all {
		r, recorded := records[a.receipt]
		switch {
		case a.stranger:
			// Not 503 either: a gate that listens before it is ready lets callers wait.
			if a.status != http.StatusUnauthorized && a.status != http.StatusTooManyRequests {
				t.Errorf("a stranger was answered %d", a.status)
			}
			strangers++
			continue
		case !recorded:
			t.Errorf("answer %d with receipt %s has no record", a.status, a.receipt)
		case a.status == http.StatusOK && r.Kind != ledger.KindAccess, a.status != http.StatusOK && r.Kind != ledger.KindRefusal, r.Status != a.status:
			t.Errorf("answer %d with receipt %s is recorded as %s %d", a.status, a.receipt, r.Kind, r.Status)
		case r.Kind == ledger.KindAccess && (a.bytes > r.BodyBytes || a.whole && a.bytes != r.BodyBytes):
			t.Errorf("receipt %s: received %d bytes of %d recorded", a.receipt, a.bytes, r.BodyBytes)
		}
		if a.status == http.StatusOK {
			released++
		} else {
			refused++
		}
		if !a.whole {
			brokenOff++
		}
	}
	t.Logf("%d crashes: clients received %d releases and %d refusals (%d broke off) and %d answers to strangers; "+
		"%d requests got no answer; the ledger holds %d records (%d access, %d refusal, %d open, %d recovered, %d torn files), each receipt among them",
		rounds, released, refused, brokenOff, strangers, unanswered,
		report.Records, kinds[ledger.KindAccess], kinds[ledger.KindRefusal], kinds[ledger.KindOpen], kinds[ledger.KindRecovered], report.Torn)
	if released == 0 || refused == 0 || kinds[ledger.KindOpen] != rounds+1 {
		t.Error("the load proved nothing: releases, refusals and one opening per start are wanted")
	}
}
