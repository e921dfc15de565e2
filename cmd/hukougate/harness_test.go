package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"hukougate/module/access"
	"hukougate/module/demo"
	"hukougate/module/ledger"
	"hukougate/module/policy"
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

// patience bounds how long a test waits for what the gate does in the background.
const patience = 20 * time.Second

// eventually tries until f returns nil, and fails the test when patience ends.
func eventually(t *testing.T, what string, f func() error) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for {
		err := f()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: %v", what, err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// wire is an HTTP/1.1 connection that sends bytes as they are given, where
// net/http would tidy them, and keeps every byte that comes back.
type wire struct {
	address string
	config  *tls.Config
	conn    net.Conn
	in      *bufio.Reader
	seen    bytes.Buffer
}

// dialWire opens a wire that presents the caller's certificate, if it has one.
func dialWire(t *testing.T, g *gate, c demo.Caller) *wire {
	t.Helper()
	config := g.Client(c).Transport.(*http.Transport).TLSClientConfig.Clone()
	config.ServerName, config.NextProtos = "localhost", []string{"http/1.1"}
	w := &wire{address: fmt.Sprintf("127.0.0.1:%d", g.Port), config: config}
	t.Cleanup(w.close)
	return w
}

func (w *wire) close() {
	if w.conn != nil {
		_ = w.conn.Close()
		w.conn = nil
	}
}

// dial opens the connection unless it is open.
func (w *wire) dial(t *testing.T) {
	t.Helper()
	if w.conn != nil {
		return
	}
	conn, err := tls.Dial("tcp", w.address, w.config)
	if err != nil {
		t.Fatal(err)
	}
	w.conn = conn
	w.in = bufio.NewReader(io.TeeReader(conn, &w.seen))
}

// send writes a request and reads its answer; raw is all that came, from the
// first 1xx on. The connection is opened anew when the gate closed the last.
func (w *wire) send(t *testing.T, method, request string) (a answer, raw []byte) {
	t.Helper()
	w.dial(t)
	w.seen.Reset()
	if err := w.conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	// The gate may answer and close before it has read all of a large request.
	_, writeErr := io.WriteString(w.conn, request)
	for {
		res, err := http.ReadResponse(w.in, &http.Request{Method: method})
		if err != nil {
			t.Fatalf("no answer to %.200q: %v (write: %v)", request, err, writeErr)
		}
		text, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatalf("answer to %.200q: %v", request, err)
		}
		if res.StatusCode < 200 {
			continue
		}
		if res.Close {
			w.close()
		}
		for name, values := range res.Trailer {
			t.Errorf("trailer %s: %q", name, values)
		}
		return answer{res.StatusCode, res.Header, text}, bytes.Clone(w.seen.Bytes())
	}
}

// lines writes a request by hand: header lines as they are, then the caller's
// credentials; a body gets its length, and a JSON type unless a line gives one.
func (g *gate) lines(c demo.Caller, method, target, body string, extra ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: localhost:%d\r\n", method, target, g.Port)
	has := func(name string) bool {
		return slices.ContainsFunc(extra, func(line string) bool { return strings.HasPrefix(strings.ToLower(line), name+":") })
	}
	for name, values := range c.Header {
		if !has(strings.ToLower(name)) {
			fmt.Fprintf(&b, "%s: %s\r\n", name, values[0])
		}
	}
	for _, line := range extra {
		if !strings.HasSuffix(line, ":") { // "Name:" only keeps a line from being added
			b.WriteString(line + "\r\n")
		}
	}
	if body != "" || method == http.MethodPost {
		if !has("content-type") {
			b.WriteString("Content-Type: application/json\r\n")
		}
		if !has("content-length") && !has("transfer-encoding") {
			fmt.Fprintf(&b, "Content-Length: %d\r\n", len(body))
		}
	}
	return b.String() + "\r\n" + body
}

// scan reads the ledger, also while the gate writes it.
func (g *gate) scan() ([]ledger.Record, error) {
	var all []ledger.Record
	err := ledger.Scan(g.Path("ledger"), func(_ ledger.Position, r ledger.Record) error {
		all = append(all, r)
		return nil
	})
	return all, err
}

// records stops the gate and returns its whole ledger by receipt.
func (g *gate) records(t *testing.T) map[string][]ledger.Record {
	t.Helper()
	if code := g.stop(t); code != 0 {
		t.Errorf("the gate ended with exit code %d", code)
	}
	all, err := g.scan()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]ledger.Record{}
	for _, r := range all {
		out[r.Receipt] = append(out[r.Receipt], r)
	}
	return out
}

// newIssuer makes a key the site trusts to sign grants.
func newIssuer(t *testing.T, site *demo.Site) ed25519.PrivateKey {
	t.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	pem, err := policy.EncodePublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	trusted, err := os.ReadFile(site.Path("trust.pub"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(site.Path("trust.pub"), append(trusted, pem...), 0o600); err != nil {
		t.Fatal(err)
	}
	return private
}

// issue writes a grant made from one of the demo's.
func issue(t *testing.T, site *demo.Site, key ed25519.PrivateKey, like, application string, change func(*access.Grant)) {
	t.Helper()
	name := "grants/" + like + ".yaml"
	text, err := os.ReadFile(site.Path(name))
	if err != nil {
		t.Fatal(err)
	}
	grant, err := policy.ParseGrant(name, policy.Body(text))
	if err != nil {
		t.Fatal(err)
	}
	grant.Application = application
	change(&grant)
	replaceFile(t, site.Path("grants/"+application+".yaml"), policy.Sign(policy.FormatGrant(grant), key))
}

// replaceFile changes a file at once, as careful editors do.
func replaceFile(t *testing.T, path string, text []byte) {
	t.Helper()
	draft := filepath.Join(filepath.Dir(path), ".draft-"+filepath.Base(path))
	if err := os.WriteFile(draft, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(draft, path); err != nil {
		t.Fatal(err)
	}
}
