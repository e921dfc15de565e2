package main

import (
	"context"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"hukougate/module/access"
	"hukougate/module/demo"
	"hukougate/module/ledger"
)

// stage is one step of the path and the processor time a request spends in it,
// garbage collection of what it allocates included.
type stage struct {
	name string
	cpu  time.Duration
}

// stageTable is where the time goes for one body.
type stageTable struct {
	stages  []stage
	append  time.Duration // median time until a record is durable
	writers int
}

func (t stageTable) sum() (all time.Duration) {
	for _, s := range t.stages {
		all += s.cpu
	}
	return all
}

// timeStages measures the steps of the path in this process, with the rules,
// grants, keys and answers of the site that was measured.
func timeStages(ctx context.Context, o options, dir string, site *demo.Site, results []*comparison) ([]stageTable, error) {
	debug.SetGCPercent(100) // as in the gate
	defer debug.SetGCPercent(apparatusGC)
	var tables []stageTable
	for _, c := range results {
		w, err := newWalk(site, c.question)
		if err != nil {
			return nil, err
		}
		if len(w.masking.Body) != c.gateBytes {
			return nil, fmt.Errorf("%s: the steps alone release %d bytes, the gate %d: hukoubench no longer does what module/gateway does",
				c.question.title, len(w.masking.Body), c.gateBytes)
		}
		t, err := w.time(ctx, o, filepath.Join(dir, "stages-"+c.question.key))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.question.title, err)
		}
		tables = append(tables, t)
	}
	return tables, nil
}

// time measures every stage. ledgerDir is a new folder for records.
func (w *walk) time(ctx context.Context, o options, ledgerDir string) (stageTable, error) {
	t := stageTable{writers: o.connections}
	for _, step := range []struct {
		name string
		do   func(context.Context) error
	}{
		{"identify: API key", w.identify},
		{"authorize: Casbin and grant", w.decide},
		{"limit and admit: budgets", w.spend},
		{"mask: Rewrite", w.mask},
		{"keys, pseudonyms, digests", w.digest},
	} {
		cpu, _, err := cpuPerCall(ctx, o.stage, 1, step.do)
		if err != nil {
			return stageTable{}, fmt.Errorf("%s: %w", step.name, err)
		}
		t.stages = append(t.stages, stage{step.name, cpu})
	}
	l, err := ledger.Open(ledgerDir, ledger.Options{Gateway: "bench"})
	if err != nil {
		return stageTable{}, err
	}
	record := w.record()
	cpu, times, err := cpuPerCall(ctx, o.stage, o.connections, func(ctx context.Context) error {
		_, err := l.Append(ctx, record)
		return err
	})
	if err != nil {
		_ = l.Close() // the first error says it
		return stageTable{}, err
	}
	t.stages = append(t.stages, stage{fmt.Sprintf("record: Append, %d writers", o.connections), cpu})
	t.append = times.quantile(0.5)
	return t, l.Close()
}

// cpuPerCall calls from several goroutines for a time and returns the processor
// time of this process for each call, and how long the calls took.
func cpuPerCall(ctx context.Context, d time.Duration, parallel int, call func(context.Context) error) (time.Duration, *histogram, error) {
	if err := call(ctx); err != nil { // what is made once is not measured
		return 0, nil, err
	}
	before, err := cpuTime(os.Getpid())
	if err != nil {
		return 0, nil, err
	}
	var (
		wait  sync.WaitGroup
		first atomic.Pointer[error]
		times = make([]histogram, parallel)
		end   = time.Now().Add(d)
	)
	for i := range parallel {
		wait.Go(func() {
			for now := time.Now(); now.Before(end) && first.Load() == nil; {
				if err := call(ctx); err != nil {
					first.CompareAndSwap(nil, &err)
					return
				}
				done := time.Now()
				times[i].add(done.Sub(now))
				now = done
			}
		})
	}
	wait.Wait()
	if err := first.Load(); err != nil {
		return 0, nil, *err
	}
	after, err := cpuTime(os.Getpid())
	if err != nil {
		return 0, nil, err
	}
	all := new(histogram)
	for i := range times {
		all.merge(&times[i])
	}
	return (after - before) / time.Duration(max(1, all.total)), all, ctx.Err()
}

// record is what the gate would append for this walk.
func (w *walk) record() ledger.Record {
	c, d, m := w.caller, w.decision, w.masking
	digest := hex.EncodeToString(make([]byte, 32))
	return ledger.Record{
		Kind: ledger.KindAccess, Receipt: "BENCHBENCHBENCHBENCHBENCHB", Status: 200,
		Caller: c.ID, Unit: c.Unit, CallerKind: c.Kind, Proofs: []string{string(access.ProofAPIKey)}, Peer: "127.0.0.1",
		Application: d.Application, GrantRevision: d.GrantRevision, Role: d.Role, Purpose: d.Purpose, LegalBasis: d.LegalBasis,
		Resource: d.Resource, Route: d.Route, Scope: d.Scope, Rules: w.rules.ID(), RequestPersons: w.asked,
		Persons: m.Persons, Records: m.Records, Fields: m.Fields, Unnamed: m.Unnamed,
		BodyBytes: len(m.Body), BodyDigest: digest, RequestDigest: digest, ElapsedMicros: 1000,
	}
}
