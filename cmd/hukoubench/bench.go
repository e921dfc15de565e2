package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"time"

	"hukougate/module/demo"
	"hukougate/module/ledger"
)

// measured is what the rounds of one side gave.
type measured struct {
	perSecond []float64 // answers, by round
	times     histogram // of all rounds
	cpu       time.Duration
	answers   int
}

func (m *measured) add(t *tally) {
	m.perSecond = append(m.perSecond, t.perSecond())
	m.times.merge(&t.times)
	m.cpu += t.cpu
	m.answers += t.answers
}

// cpuPerAnswer is the processor time the side's process spent on one answer.
func (m *measured) cpuPerAnswer() time.Duration { return m.cpu / time.Duration(max(1, m.answers)) }

// comparison is both sides' figures for one body.
type comparison struct {
	question    question
	sourceBytes int
	gateBytes   int
	plain, gate measured
}

// bench measures everything and writes the report.
func bench(ctx context.Context, o options, out io.Writer) (err error) {
	if err := supported(); err != nil {
		return err
	}
	debug.SetGCPercent(apparatusGC)
	dir, err := os.MkdirTemp(o.dir, "hukoubench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if dir, err = filepath.Abs(dir); err != nil {
		return err
	}
	if o.binary, err = program(ctx, o.binary, dir); err != nil {
		return err
	}
	sync, err := timeSync(dir)
	if err != nil {
		return err
	}
	printHead(out, o, sync)
	results, site, err := compareSides(ctx, o, dir, out)
	if err != nil {
		return err
	}
	tables, err := timeStages(ctx, o, dir, site, results)
	if err != nil {
		return err
	}
	printStages(out, results, tables)
	return printResults(out, results)
}

// program returns the path of the hukougate to measure, built now unless named.
func program(ctx context.Context, binary, dir string) (string, error) {
	if binary != "" {
		return exec.LookPath(binary)
	}
	binary = filepath.Join(dir, "hukougate")
	text, err := exec.CommandContext(ctx, "go", "build", "-o", binary, "hukougate/cmd/hukougate").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("go build: %w: %s", err, text)
	}
	return binary, nil
}

// compareSides runs both sides and the source, asks both the same, and checks
// that the gate recorded every answer it gave. It returns the gate's site too.
func compareSides(ctx context.Context, o options, dir string, out io.Writer) ([]*comparison, *demo.Site, error) {
	upstream, source, err := startUpstream(dir)
	if err != nil {
		return nil, nil, err
	}
	defer upstream.stop()
	plainSite, gateSite, err := prepareSites(dir, source)
	if err != nil {
		return nil, nil, err
	}
	plain, err := startSide(ctx, o.binary, "plain Caddy", plainSite)
	if err != nil {
		return nil, nil, err
	}
	defer plain.process.stop()
	gate, err := startSide(ctx, o.binary, "gate", gateSite)
	if err != nil {
		return nil, nil, err
	}
	defer gate.process.stop()
	var results []*comparison
	for _, q := range questions() {
		c, err := compare(ctx, o, q, plain, gate)
		if err != nil {
			return nil, nil, errors.Join(err, upstream.running(), plain.process.running(), gate.process.running())
		}
		printComparison(out, c)
		results = append(results, c)
	}
	gate.process.stop()
	return results, gateSite, checkLedger(gateSite.Path("ledger"), gate.answers)
}

// compare asks both sides the same, in turn and in short rounds, so that
// whatever else the machine does meets both alike.
func compare(ctx context.Context, o options, q question, plain, gate *side) (*comparison, error) {
	key := gate.apiKey(q)
	if err := probePlain(ctx, plain, q, key); err != nil {
		return nil, err
	}
	released, err := probeGate(ctx, gate, q, key)
	if err != nil {
		return nil, err
	}
	c := &comparison{question: q, sourceBytes: len(q.source()), gateBytes: len(released)}
	plainLoad, err := plain.load(ctx, q.requests(plain.Port, key, o.connections), c.sourceBytes)
	if err != nil {
		return nil, err
	}
	defer plainLoad.close()
	gateLoad, err := gate.load(ctx, q.requests(gate.Port, key, o.connections), c.gateBytes)
	if err != nil {
		return nil, err
	}
	defer gateLoad.close()
	for n := range o.rounds + 1 {
		length := o.round
		if n == 0 {
			length = o.warmUp
		}
		a, err := plain.round(ctx, plainLoad, length)
		if err != nil {
			return nil, err
		}
		b, err := gate.round(ctx, gateLoad, length)
		if err != nil {
			return nil, err
		}
		if n > 0 {
			c.plain.add(a)
			c.gate.add(b)
		}
	}
	return c, nil
}

func (s *side) round(ctx context.Context, l load, d time.Duration) (*tally, error) {
	before, err := cpuTime(s.process.cmd.Process.Pid)
	if err != nil {
		return nil, err
	}
	t, err := l.round(ctx, d)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.name, err)
	}
	after, err := cpuTime(s.process.cmd.Process.Pid)
	if err != nil {
		return nil, err
	}
	t.cpu = after - before
	s.answers += t.answers
	return t, nil
}

// checkLedger holds the ledger against the answers the gate gave: each has its
// record and nothing was refused, or what was measured was not the whole path.
func checkLedger(dir string, answers int) error {
	report, err := ledger.Verify(dir, ledger.VerifyOptions{})
	if err != nil {
		return err
	}
	for _, want := range []ledger.KindCount{{Kind: ledger.KindAccess, Count: uint64(answers)}, {Kind: ledger.KindRefusal}} {
		if !slices.Contains(report.Kinds, want) {
			return fmt.Errorf("the ledger does not hold %d records of kind %s: %v", want.Count, want.Kind, report.Kinds)
		}
	}
	return nil
}

// timeSync is the median time to make 4 KiB at the end of a file durable, by one
// writer, in the folder the ledger is in.
func timeSync(dir string) (time.Duration, error) {
	if memory, err := inMemory(dir); err != nil || memory {
		return 0, errors.Join(err, fmt.Errorf("%s is no disk, and its ledger would cost nothing: name a folder on one with -dir", dir))
	}
	f, err := os.Create(filepath.Join(dir, "sync"))
	if err != nil {
		return 0, err
	}
	defer f.Close()
	const writes = 101
	page := make([]byte, 4096)
	var times []float64
	for range writes {
		begin := time.Now()
		if _, err := f.Write(page); err != nil {
			return 0, err
		}
		if err := datasync(f); err != nil {
			return 0, err
		}
		times = append(times, float64(time.Since(begin)))
	}
	return time.Duration(median(times)), nil
}
