package main

import (
	"fmt"
	"io"
	"runtime"
	"text/tabwriter"
	"time"
)

func printHead(out io.Writer, o options, sync time.Duration) {
	fmt.Fprintf(out, "%d processors, shared by load, source and what is measured; %s\n", runtime.NumCPU(), runtime.Version())
	fmt.Fprintf(out, "TLS 1.3, HTTP/1.1, %d connections; %d rounds of %v for each side in turn, after %v to warm up\n", o.connections, o.rounds, o.round, o.warmUp)
	fmt.Fprintf(out, "one fdatasync of 4 KiB on the ledger's disk: %s\n", short(sync))
}

// short writes a duration with three digits or so.
func short(d time.Duration) string {
	switch {
	case d < 100*time.Microsecond:
		return fmt.Sprintf("%.1f µs", float64(d)/1e3)
	case d < time.Millisecond:
		return fmt.Sprintf("%.0f µs", float64(d)/1e3)
	case d < 100*time.Millisecond:
		return fmt.Sprintf("%.2f ms", float64(d)/1e6)
	case d < time.Second:
		return fmt.Sprintf("%.0f ms", float64(d)/1e6)
	}
	return fmt.Sprintf("%.2f s", d.Seconds())
}

// unsteady is how far apart the ratios of single rounds may be.
const unsteady = 1.5

func printComparison(out io.Writer, c *comparison) {
	fmt.Fprintf(out, "\n%s: %d bytes from the source, of which the gate releases %d\n", c.question.title, c.sourceBytes, c.gateBytes)
	t := tabwriter.NewWriter(out, 0, 0, 3, ' ', 0)
	fmt.Fprintln(t, "\trequests/s\tp50\tp99\tprocessor/request")
	for _, s := range []struct {
		name string
		*measured
	}{{"plain Caddy", &c.plain}, {"gate", &c.gate}} {
		fmt.Fprintf(t, "%s\t%.0f\t%s\t%s\t%s\n", s.name, median(s.perSecond), short(s.times.quantile(0.5)), short(s.times.quantile(0.99)), short(s.cpuPerAnswer()))
	}
	r := ratioOf(c.gate.perSecond, c.plain.perSecond)
	fmt.Fprintf(t, "gate to plain\t%.2f x (%.2f–%.2f)\t%.2f x\t%.2f x\t%.2f x\n", r.medians, r.low, r.high,
		over(c.gate.times.quantile(0.5), c.plain.times.quantile(0.5)), over(c.gate.times.quantile(0.99), c.plain.times.quantile(0.99)),
		over(c.gate.cpuPerAnswer(), c.plain.cpuPerAnswer()))
	_ = t.Flush() // a terminal that is gone needs no report
	if r.high > unsteady*r.low {
		fmt.Fprintln(out, "The rounds differ widely: something else used the machine. Measure again on an idle one.")
	}
}

func over(a, b time.Duration) float64 { return float64(a) / float64(max(1, b)) }

// printStages shows what part of the gate's processor time each step takes. The
// steps were measured alone; what they leave of the whole is the remainder.
func printStages(out io.Writer, results []*comparison, tables []stageTable) {
	fmt.Fprintln(out, "\nWhere the gate's processor time goes (steps measured alone, in a process of their own; the remainder by subtraction)")
	t := tabwriter.NewWriter(out, 0, 0, 3, ' ', 0)
	fmt.Fprint(t, "stage")
	for _, c := range results {
		fmt.Fprintf(t, "\t%s: µs/request\tshare", c.question.title)
	}
	row := func(name string, part func(i int) time.Duration) {
		fmt.Fprintf(t, "\n%s", name)
		for i, c := range results {
			d := part(i)
			fmt.Fprintf(t, "\t%.1f\t%.0f %%", float64(d)/1e3, 100*over(d, c.gate.cpuPerAnswer()))
		}
	}
	for n, s := range tables[0].stages {
		row(s.name, func(i int) time.Duration { return tables[i].stages[n].cpu })
	}
	row("remainder: TLS, HTTP, reverse_proxy, parsing, access log", func(i int) time.Duration { return results[i].gate.cpuPerAnswer() - tables[i].sum() })
	row("the gate's whole request", func(i int) time.Duration { return results[i].gate.cpuPerAnswer() })
	row("plain Caddy's whole request, beside it", func(i int) time.Duration { return results[i].plain.cpuPerAnswer() })
	fmt.Fprintln(t)
	_ = t.Flush() // as above
	for i, c := range results {
		fmt.Fprintf(out, "%s: a record is durable after %s (p50) with %d writers at once and nothing else to do\n",
			c.question.title, short(tables[i].append), tables[i].writers)
	}
}

// printResults ends the report with the lines that others read.
func printResults(out io.Writer, results []*comparison) error {
	fmt.Fprintln(out)
	for _, c := range results {
		r := ratioOf(c.gate.perSecond, c.plain.perSecond)
		if !r.measured {
			return fmt.Errorf("%s: a round without an answer", c.question.title)
		}
		if _, err := fmt.Fprintf(out, "bench gate_vs_caddy_%s_rps %.2f x\n", c.question.key, r.medians); err != nil {
			return err
		}
	}
	return nil
}
