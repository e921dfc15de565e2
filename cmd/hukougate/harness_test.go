package main

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"hukougate/module/demo"
)

// gate is a running gate: the real main, in a process of its own, under the
// race detector.
type gate struct {
	*demo.Site
	cmd    *exec.Cmd
	stderr *lockedBuffer
	exited chan struct{}
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// freePort finds a port nobody listens on. Another process may take it first;
// startGate then fails and says so.
func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// newSite writes a site in front of a source at an address (host:port).
func newSite(t *testing.T, source string) *demo.Site {
	t.Helper()
	site, err := demo.Prepare(t.TempDir(), source, freePort(t))
	if err != nil {
		t.Fatal(err)
	}
	return site
}

// editFile replaces a text in a file of the site, at least once.
func editFile(t *testing.T, site *demo.Site, name, old, replacement string) {
	t.Helper()
	raw, err := os.ReadFile(site.Path(name))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(raw), old) {
		t.Fatalf("%s does not hold %q", name, old)
	}
	if err := os.WriteFile(site.Path(name), []byte(strings.ReplaceAll(string(raw), old, replacement)), 0o600); err != nil {
		t.Fatal(err)
	}
}

// launchGate starts a gate on a site without waiting for it. It is killed when
// the test ends, if it still runs.
func launchGate(t *testing.T, site *demo.Site) *gate {
	t.Helper()
	g := &gate{Site: site, stderr: new(lockedBuffer), exited: make(chan struct{})}
	g.cmd = exec.Command("hukougate", "run", "--config", site.Path("Caddyfile"), "--adapter", "caddyfile")
	g.cmd.Stderr, g.cmd.Stdout = g.stderr, io.Discard
	g.cmd.Env = append(os.Environ(), "HOME="+site.Path("home"), "XDG_DATA_HOME="+site.Path("home"), "XDG_CONFIG_HOME="+site.Path("home"))
	if err := g.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { _ = g.cmd.Wait(); close(g.exited) }()
	t.Cleanup(func() {
		g.kill()
		if text := g.stderr.String(); strings.Contains(text, "DATA RACE") {
			t.Errorf("data race in the gate:\n%s", text)
		}
		if t.Failed() {
			log, _ := os.ReadFile(site.Path("gateway.log"))
			t.Logf("gate's stderr:\n%s\ngateway.log:\n%s", g.stderr, tail(log, 4000))
		}
	})
	return g
}

func tail(b []byte, n int) []byte { return b[max(0, len(b)-n):] }

// startGate starts a gate and waits until it completes a TLS handshake.
func startGate(t *testing.T, site *demo.Site) *gate {
	t.Helper()
	g := launchGate(t, site)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		select {
		case <-g.exited: // no use to wait any longer
			cancel()
		case <-ctx.Done():
		}
	}()
	if err := g.WaitReady(ctx); err != nil {
		t.Fatalf("the gate did not start: %v\n%s", err, g.stderr)
	}
	return g
}

// kill ends the gate as kill -9 does.
func (g *gate) kill() {
	_ = g.cmd.Process.Kill()
	<-g.exited
}

// stop ends the gate as an operator does, and returns its exit code.
func (g *gate) stop(t *testing.T) int {
	t.Helper()
	if err := g.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	<-g.exited
	return g.cmd.ProcessState.ExitCode()
}

type answer struct {
	status int
	header http.Header
	body   []byte
}

// ask sends a request as a caller (demo's, or the zero Caller for a stranger).
func ask(t *testing.T, g *gate, c demo.Caller, method, path, body string, extra http.Header) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, g.URL(path), strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if c.Header != nil {
		r.Header = c.Header.Clone()
	}
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/json")
	}
	for name, values := range extra {
		r.Header[http.CanonicalHeaderKey(name)] = values
	}
	client := g.Client(c)
	defer client.CloseIdleConnections()
	res, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{res.StatusCode, res.Header, text}
}

// everything returns all the gate wrote: ledger, access log, its own log, stderr.
func (g *gate) everything(t *testing.T) []byte {
	t.Helper()
	all := []byte(g.stderr.String())
	for _, pattern := range []string{"ledger/*", "access.log", "gateway.log"} {
		paths, err := filepath.Glob(g.Path(pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range paths {
			text, err := os.ReadFile(p)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, text...)
		}
	}
	return all
}
