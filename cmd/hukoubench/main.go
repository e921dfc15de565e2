// Command hukoubench measures what the gate's guards cost: the same requests
// through plain Caddy reverse_proxy and through the gate with every guard on, in
// one run and on one machine, and where the gate's time goes. It is a
// developer's tool and isn't shipped.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
)

const usage = `usage: hukoubench [options]

Measures plain Caddy and the gate in turn on loopback. Linux only.

`

// options of one run.
type options struct {
	rounds      int           // of each side and body
	round       time.Duration // length of one
	warmUp      time.Duration // of each side and body, not counted
	stage       time.Duration // how long each stage is measured alone
	connections int
	dir         string // where the work folder goes; "": the system's temporary folder
	binary      string // a hukougate built before; "": build it
}

var errUsage = errors.New("wrong use")

func parseOptions(args []string, stderr io.Writer) (options, error) {
	var (
		o       options
		seconds float64
		quick   bool
	)
	flags := flag.NewFlagSet("hukoubench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() { fmt.Fprint(stderr, usage); flags.PrintDefaults() }
	flags.IntVar(&o.rounds, "rounds", 5, "rounds of each side and body")
	flags.Float64Var(&seconds, "seconds", 3, "length of a round in seconds")
	flags.IntVar(&o.connections, "connections", 64, "connections, each with one request at a time")
	flags.StringVar(&o.dir, "dir", "", "folder for the ledger and all other files, on the disk to measure (default the temporary folder)")
	flags.StringVar(&o.binary, "binary", "", "measure this hukougate instead of building one")
	flags.BoolVar(&quick, "quick", false, "one short round of each; only shows that everything runs")
	if err := flags.Parse(args); err != nil {
		return options{}, err
	}
	if flags.NArg() > 0 || o.rounds < 1 || o.connections < 1 || !(seconds > 0 && seconds <= 3600) {
		flags.Usage()
		return options{}, errUsage
	}
	o.round, o.warmUp, o.stage = time.Duration(seconds*float64(time.Second)), 2*time.Second, time.Second
	if quick {
		o.rounds, o.round, o.warmUp, o.stage = 1, time.Second, time.Second/4, time.Second/10
	}
	return o, nil
}

func main() {
	if len(os.Args) == 2 && os.Args[1] == upstreamRole {
		fmt.Fprintln(os.Stderr, serveUpstream())
		os.Exit(1)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, err := parseOptions(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2
	}
	if err := bench(ctx, o, stdout); err != nil {
		fmt.Fprintln(stderr, "hukoubench:", err)
		return 1
	}
	return 0
}
