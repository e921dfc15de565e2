package main

import (
	"bytes"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hukougate/module/access"
	"hukougate/module/ledger"
)

func results() []*comparison {
	all := []*comparison{}
	for _, q := range questions() {
		c := &comparison{question: q, sourceBytes: 2, gateBytes: 1}
		for _, answers := range []int{100, 120, 80} {
			plain := &tally{answers: answers, took: time.Second, cpu: time.Second / 10}
			plain.times.add(time.Millisecond)
			gate := &tally{answers: answers / 2, took: time.Second, cpu: time.Second / 4}
			gate.times.add(4 * time.Millisecond)
			c.plain.add(plain)
			c.gate.add(gate)
		}
		all = append(all, c)
	}
	return all
}

// TestLastLines holds the lines that others read to their form.
func TestLastLines(t *testing.T) {
	var out bytes.Buffer
	if err := printResults(&out, results()); err != nil {
		t.Fatal(err)
	}
	if want := "\nbench gate_vs_caddy_1k5_rps 0.50 x\nbench gate_vs_caddy_60k_rps 0.50 x\n"; out.String() != want {
		t.Errorf("%q", out.String())
	}
	none := results()
	none[1].plain.perSecond[2] = 0
	if err := printResults(io.Discard, none); err == nil {
		t.Error("a ratio to nothing was printed")
	}
}

func TestTables(t *testing.T) {
	var out bytes.Buffer
	all := results()
	printComparison(&out, all[0])
	for _, want := range []string{"100 ", "50 ", "1.00 ms", "4.01 ms", "5.00 ms", "0.50 x (0.50–0.50)", "4.00 x"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the comparison lacks %q:\n%s", want, out.String())
		}
	}
	if strings.Contains(out.String(), "differ") {
		t.Error("steady rounds are called unsteady")
	}
	all[0].gate.perSecond[0] = 1
	printComparison(&out, all[0])
	if !strings.Contains(out.String(), "The rounds differ widely") {
		t.Error("unsteady rounds are not called so")
	}
	out.Reset()
	tables := []stageTable{{stages: []stage{{"mask", time.Millisecond}, {"record", 500 * time.Microsecond}}}, {stages: []stage{{"mask", 0}, {"record", 0}}}}
	printStages(&out, results(), tables)
	// 750 ms for 150 answers are 5 ms each, of which the steps leave 3.5.
	for _, want := range []string{"1000.0 ", "20 %", "500.0 ", "10 %", "3500.0 ", "70 %", "5000.0 ", "100 %"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the stages lack %q:\n%s", want, out.String())
		}
	}
}

func TestShort(t *testing.T) {
	for d, want := range map[time.Duration]string{
		1234: "1.2 µs", 123_456: "123 µs", 1_234_567: "1.23 ms", 123_456_789: "123 ms", 1_234_567_890: "1.23 s",
	} {
		if got := short(d); got != want {
			t.Errorf("%d: %q, want %q", d, got, want)
		}
	}
}

func TestOptions(t *testing.T) {
	o, err := parseOptions([]string{"-rounds", "2", "-seconds", "0.5", "-connections", "8", "-dir", "d", "-binary", "b"}, io.Discard)
	if err != nil || o.rounds != 2 || o.round != 500*time.Millisecond || o.connections != 8 || o.dir != "d" || o.binary != "b" {
		t.Errorf("%+v %v", o, err)
	}
	quick, err := parseOptions([]string{"-quick"}, io.Discard)
	if err != nil || quick.rounds != 1 || quick.round > time.Second {
		t.Errorf("%+v %v", quick, err)
	}
	for _, args := range [][]string{{"-rounds", "0"}, {"-seconds", "0"}, {"-seconds", "NaN"}, {"-connections", "-1"}, {"more"}, {"-unknown"}} {
		if _, err := parseOptions(args, io.Discard); err == nil {
			t.Errorf("%v accepted", args)
		}
		if code := run(t.Context(), args, io.Discard, io.Discard); code != 2 {
			t.Errorf("%v ends with %d", args, code)
		}
	}
	if code := run(t.Context(), []string{"-h"}, io.Discard, io.Discard); code != 0 {
		t.Errorf("help ends with %d", code)
	}
}

// TestCheckLedger: a gate that answered more often than it recorded, or refused
// somebody, was not measured.
func TestCheckLedger(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "ledger")
	add := func(r ledger.Record) {
		l, err := ledger.Open(dir, ledger.Options{Gateway: "bench", ReserveBytes: 1})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := l.Append(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	_, gate := newSites(t)
	w, err := newWalk(gate, questions()[0])
	if err != nil {
		t.Fatal(err)
	}
	add(w.record())
	if err := checkLedger(dir, 1); err != nil {
		t.Error(err)
	}
	for _, answers := range []int{0, 2} {
		if err := checkLedger(dir, answers); err == nil {
			t.Errorf("one record for %d answers is accepted", answers)
		}
	}
	add(ledger.Record{Kind: ledger.KindRefusal, Receipt: "r", Reason: access.RateExceeded, Status: 429})
	if err := checkLedger(dir, 1); err == nil {
		t.Error("a refusal is accepted")
	}
}

func TestTimeSync(t *testing.T) {
	if err := supported(); err != nil {
		t.Skip(err)
	}
	dir := t.TempDir()
	memory, err := inMemory(dir)
	if err != nil {
		t.Fatal(err)
	}
	if d, err := timeSync(dir); memory != (err != nil) || !memory && d <= 0 {
		t.Errorf("in memory %v: %v, %v", memory, d, err)
	}
}
