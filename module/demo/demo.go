// Package demo starts a whole gate on loopback before a synthetic registry,
// with three callers, and shows or runs what to try.
package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"

	"hukougate/module/registry"
)

// Options of Run.
type Options struct {
	Dir   string // where everything is put; "": a new temporary folder, removed at the end
	Port  int    // of the gate; 0: 8443, or a free one when that is taken
	Tour  bool   // run the requests instead of printing them and waiting
	Out   io.Writer
	Color bool
}

// defaultPort is what the printed lines show when it is free.
const defaultPort = 8443

// Run starts the demo. Without Tour it serves until ctx ends; with Tour it ends
// with an error when anything differs from what the rules say.
func Run(ctx context.Context, o Options) error {
	dir, cleanUp, err := workFolder(o.Dir)
	if err != nil {
		return err
	}
	defer cleanUp()
	people := registry.Generate(registry.DefaultSeed)
	source, err := serveRegistry(people)
	if err != nil {
		return err
	}
	defer source.Close()
	port, err := gatePort(o.Port)
	if err != nil {
		return err
	}
	site, err := Prepare(dir, source.address, port)
	if err != nil {
		return err
	}
	s := &stage{Site: site, people: people, out: o.Out, color: o.Color}
	if err := s.start(ctx); err != nil {
		return err
	}
	defer func() { _ = caddy.Stop() }() // the process ends; nobody is left to tell
	if o.Tour {
		return s.tour(ctx)
	}
	s.printInvitation()
	return s.wait(ctx)
}

// stage is one running demo.
type stage struct {
	*Site
	people *registry.Registry
	out    io.Writer
	color  bool
}

func workFolder(dir string) (path string, cleanUp func(), err error) {
	if dir != "" {
		if path, err = filepath.Abs(dir); err != nil {
			return "", nil, err
		}
		if err = os.Mkdir(path, 0o700); err != nil {
			return "", nil, fmt.Errorf("the demo wants a new folder: %w", err)
		}
		return path, func() {}, nil
	}
	if path, err = os.MkdirTemp("", "hukougate-demo-"); err != nil {
		return "", nil, err
	}
	return path, func() { _ = os.RemoveAll(path) }, nil
}

type source struct {
	*http.Server
	address string
}

func serveRegistry(people *registry.Registry) (*source, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	server := &http.Server{Handler: people.Handler(), ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = server.Serve(l) }() // ends with Close
	return &source{server, l.Addr().String()}, nil
}

// gatePort finds a port for the gate: the one asked for, the default, or a free one.
func gatePort(asked int) (int, error) {
	for _, port := range []int{asked, defaultPort, 0} {
		if port == 0 && asked != 0 {
			continue
		}
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			if asked != 0 {
				return 0, err
			}
			continue
		}
		got := l.Addr().(*net.TCPAddr).Port
		if err := l.Close(); err != nil {
			return 0, err
		}
		if port != 0 || asked == 0 {
			return got, nil
		}
	}
	return 0, errors.New("no free port on loopback")
}

// start runs Caddy in this process and waits until the gate answers.
func (s *stage) start(ctx context.Context) error {
	raw, err := os.ReadFile(s.Path("Caddyfile"))
	if err != nil {
		return err
	}
	config, warnings, err := caddyconfig.GetAdapter("caddyfile").Adapt(raw, map[string]any{"filename": s.Path("Caddyfile")})
	if err != nil {
		return err
	}
	for _, w := range warnings {
		if !strings.Contains(w.Message, "not formatted") {
			return fmt.Errorf("demo Caddyfile: %s", w)
		}
	}
	if err := caddy.Load(config, true); err != nil {
		return err
	}
	return s.WaitReady(ctx)
}

// wait serves until ctx ends, renewing the clerk's token before it expires.
func (s *stage) wait(ctx context.Context) error {
	renew := time.NewTicker(tokenLifetime / 2)
	defer renew.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-renew.C:
			if err := s.writeToken(); err != nil {
				return err
			}
		}
	}
}
