package main

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"hukougate/module/demo"
	"hukougate/module/rules"
)

func newSites(t *testing.T) (plain, gate *demo.Site) {
	t.Helper()
	plain, gate, err := prepareSites(t.TempDir(), "127.0.0.1:9")
	if err != nil {
		t.Fatal(err)
	}
	return plain, gate
}

func read(t *testing.T, site *demo.Site, name string) string {
	t.Helper()
	raw, err := os.ReadFile(site.Path(name))
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// TestPlainDiffersInTheGateOnly: what is around the gate is the same on both
// sides, so that the ratio is the gate's.
func TestPlainDiffersInTheGateOnly(t *testing.T) {
	plain, gate := newSites(t)
	if plain.Port == gate.Port || plain.Dir == gate.Dir {
		t.Fatal("both sides have one port or one folder")
	}
	got := read(t, plain, "Caddyfile")
	if strings.Contains(got, "hukou_gate") || strings.Contains(got, "hukou {") || strings.Count(got, "reverse_proxy 127.0.0.1:9") != 1 {
		t.Errorf("plain Caddy's file:\n%s", got)
	}
	theirs := strings.ReplaceAll(strings.ReplaceAll(read(t, gate, "Caddyfile"), gate.Dir, plain.Dir), ":"+strconv.Itoa(gate.Port), ":"+strconv.Itoa(plain.Port))
	for line := range strings.Lines(got) {
		if !strings.Contains(line, "reverse_proxy") && !strings.Contains(theirs, line) {
			t.Errorf("only plain Caddy has %q", line)
		}
	}
	for _, wanted := range []string{"admin off", "tls internal", "log {", "protocols h1 h2"} {
		if !strings.Contains(got, wanted) {
			t.Errorf("plain Caddy lacks %q", wanted)
		}
	}
}

func TestWithoutGateRefusesWhatItDoesNotKnow(t *testing.T) {
	const good = "{\n\tadmin off\n\thukou {\n\t\tsource x {\n\t\t}\n\t}\n}\n\nlocalhost {\n\thukou_gate\n}\n"
	got, ok := withoutGate(good, "s:1")
	if want := "{\n\tadmin off\n}\n\nlocalhost {\n\treverse_proxy s:1\n}\n"; !ok || got != want {
		t.Errorf("%v:\n%s", ok, got)
	}
	for name, text := range map[string]string{
		"no block":   "{\n}\nlocalhost {\n\thukou_gate\n}\n",
		"open block": "{\n\thukou {\n\t\tkeys\n",
		"no gate":    strings.Replace(good, "\thukou_gate\n", "", 1),
		"two gates":  strings.Replace(good, "\thukou_gate\n", "\thukou_gate\n\thukou_gate\n", 1),
	} {
		if _, ok := withoutGate(text, "s:1"); ok {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestGateCountsBudgetsThatNeverRunOut(t *testing.T) {
	_, gate := newSites(t)
	s, err := rules.Load(os.DirFS(gate.Path("rules")))
	if err != nil {
		t.Fatal(err)
	}
	for _, role := range s.Roles {
		if want := (rules.Limit{RequestsPerMinute: 1e9, Burst: 1e9, PersonsPerDay: 1e9}); role.Limit != want {
			t.Errorf("%s: %+v", role.ID, role.Limit)
		}
	}
}

// TestWalk walks the path of both questions with the site's own files.
func TestWalk(t *testing.T) {
	_, gate := newSites(t)
	for _, q := range questions() {
		w, err := newWalk(gate, q)
		if err != nil {
			t.Fatalf("%s: %v", q.title, err)
		}
		if w.caller.ID != gate.Callers[q.caller].ID || w.decision.Route != q.route {
			t.Errorf("%s: %s on %s", q.title, w.caller.ID, w.decision.Route)
		}
		if n := len(w.masking.Body); n == 0 || n >= len(q.source()) || len(w.masking.Persons) == 0 {
			t.Errorf("%s: %d bytes with %d persons released", q.title, n, len(w.masking.Persons))
		}
		if (len(w.asked) == 1) != q.person {
			t.Errorf("%s: %d persons asked for", q.title, len(w.asked))
		}
	}
}

func TestStagesAreMeasured(t *testing.T) {
	if err := supported(); err != nil {
		t.Skip(err)
	}
	_, gate := newSites(t)
	q := questions()[0]
	w, err := newWalk(gate, q)
	if err != nil {
		t.Fatal(err)
	}
	o := options{stage: time.Millisecond, connections: 3}
	c := &comparison{question: q, gateBytes: len(w.masking.Body)}
	tables, err := timeStages(t.Context(), o, t.TempDir(), gate, []*comparison{c})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range tables[0].stages {
		if s.cpu <= 0 {
			t.Errorf("%s took no time", s.name)
		}
	}
	if tables[0].append <= 0 || tables[0].sum() <= 0 {
		t.Errorf("%+v", tables[0])
	}
	c.gateBytes++
	if _, err := timeStages(t.Context(), o, t.TempDir(), gate, []*comparison{c}); err == nil {
		t.Error("steps that release something else than the gate are accepted")
	}
}

// TestProcess runs this test binary as a child that ends at once.
func TestProcess(t *testing.T) {
	dir := t.TempDir()
	p, err := start(exec.Command(os.Args[0], "-test.run=^$", "-test.v"), dir, "child")
	if err != nil {
		t.Fatal(err)
	}
	<-p.exited
	if err := p.running(); err == nil || !strings.Contains(err.Error(), "PASS") {
		t.Errorf("a child that ended: %v", err)
	}
	p.stop()
	if _, err := start(exec.Command(filepath.Join(dir, "absent")), dir, "absent"); err == nil {
		t.Error("a program that is not there was started")
	}
}

// TestMain lets the test binary be the source, as the tool is.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == upstreamRole {
		main()
	}
	os.Exit(m.Run())
}

func TestUpstreamProcess(t *testing.T) {
	p, address, err := startUpstream(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer p.stop()
	for _, q := range questions() {
		r, err := http.NewRequestWithContext(t.Context(), q.method, "http://"+address+q.path, strings.NewReader(q.body(0)))
		if err != nil {
			t.Fatal(err)
		}
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err, p.lastOutput())
		}
		body, err := io.ReadAll(res.Body)
		if err != nil || !bytes.Equal(body, q.source()) || res.Header.Get("Content-Type") != "application/json; charset=utf-8" {
			t.Errorf("%s: %d bytes of %s (%v)", q.title, len(body), res.Header.Get("Content-Type"), err)
		}
		_ = res.Body.Close()
	}
	if err := p.running(); err != nil {
		t.Error(err)
	}
	p.stop()
	if p.running() == nil {
		t.Error("a stopped child still runs")
	}
}
