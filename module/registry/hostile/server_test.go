package hostile

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"hukougate/module/access"
	"hukougate/module/jsonlex"
)

func TestMain(m *testing.M) {
	// net/http writes stray bytes to the standard log, as the case of that name says.
	log.SetOutput(io.Discard)
	os.Exit(m.Run())
}

func serve(t *testing.T) (*Server, string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := Serve(l, nil)
	t.Cleanup(func() {
		if err := s.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			t.Error(err)
		}
	})
	return s, l.Addr().String()
}

func set(t *testing.T, s *Server, name string) {
	t.Helper()
	if err := s.Set(name); err != nil {
		t.Fatal(err)
	}
}

// raw sends one request and gives all bytes of the answer, or the first limit.
func raw(t *testing.T, address string, limit int64) []byte {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, "POST /api/czrk/query HTTP/1.1\r\nHost: source\r\nContent-Length: 2\r\n\r\n{}"); err != nil {
		return nil
	}
	if err := c.(*net.TCPConn).CloseWrite(); err != nil {
		return nil
	}
	b, _ := io.ReadAll(io.LimitReader(c, limit))
	return b
}

// answer is what a client makes of a case, in the terms of the gate: the reason
// it would refuse for, and the body.
func answer(t *testing.T, client *http.Client, address string, deadline time.Duration) (access.Reason, []byte) {
	t.Helper()
	ctx, cancel := context.Background(), func() {}
	if deadline > 0 {
		ctx, cancel = context.WithTimeout(ctx, deadline)
	}
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, "POST", "http://"+address+"/api/czrk/query", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept-Encoding", "identity")
	resp, err := client.Do(r)
	if err != nil {
		if errors.Is(err, context.DeadlineExceeded) {
			return access.SourceTimeout, nil
		}
		return access.SourceUnreachable, nil
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusSwitchingProtocols {
		return access.SourceUnreachable, nil
	}
	if resp.StatusCode != http.StatusOK {
		return access.SourceStatus, nil
	}
	if why := typeOf(resp.Header); why != "" {
		return why, nil
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20+1))
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return access.SourceTimeout, nil
	case err != nil:
		return access.SourceTruncated, nil
	case len(body) > 1<<20:
		return access.SourceTooLarge, nil
	}
	return syntaxOf(body), body
}

func typeOf(h http.Header) access.Reason {
	types := h["Content-Type"]
	switch {
	case len(h["Content-Encoding"]) > 1 || h.Get("Content-Encoding") != "" && h.Get("Content-Encoding") != "identity":
		return access.SourceEncoding
	case len(types) != 1:
		return access.SourceType
	}
	media, charset, _ := strings.Cut(strings.ToLower(types[0]), ";")
	switch {
	case media != "application/json":
		return access.SourceType
	case strings.Trim(charset, ` "`) != "charset=utf-8" && charset != `charset="utf-8"`:
		return access.SourceEncoding
	}
	return ""
}

func syntaxOf(body []byte) access.Reason {
	var syntax *jsonlex.SyntaxError
	if errors.As(jsonlex.Valid(body, jsonlex.Options{}), &syntax) {
		switch syntax.Kind {
		case jsonlex.DuplicateName:
			return access.SourceDuplicate
		case jsonlex.TooDeep:
			return access.SourceTooLarge
		case jsonlex.Truncated:
			return access.SourceTruncated
		}
		return access.SourceMalformed
	}
	var envelope struct {
		Data struct{ List []map[string]any }
	}
	if err := json.Unmarshal(body, &envelope); err != nil {
		return access.SourceShape
	}
	return ""
}

func TestCasesDoWhatTheyExpect(t *testing.T) {
	s, address := serve(t)
	for _, c := range Cases() {
		t.Run(c.Name, func(t *testing.T) {
			set(t, s, c.Name)
			transport := &http.Transport{}
			defer transport.CloseIdleConnections()
			client := &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
			deadline := time.Duration(0)
			if c.Expect == access.SourceTimeout {
				deadline = 100 * time.Millisecond
			}
			why, body := answer(t, client, address, deadline)
			if why != c.Expect {
				t.Errorf("a client sees %q, want %q", why, c.Expect)
			}
			if why == "" && len(s.scene.canaries.Leaks(body)) == 0 {
				t.Errorf("no canary in %.200s", body)
			}
		})
	}
}

// silent are the cases that have nothing to leak.
var silent = []string{"empty", "blank", "silence", "close", "hang-up"}

func TestCasesEmitCanaries(t *testing.T) {
	s, address := serve(t)
	for _, c := range Cases() {
		set(t, s, c.Name)
		before := s.Served()
		want := s.script.Load()
		limit := 2 << 20
		if want.then == drips || want.then == floods {
			limit = len(want.bytes) + 3
		}
		got := raw(t, address, int64(limit))
		if limit < 2<<20 {
			if !bytes.HasSuffix(got, []byte("   ")) {
				t.Errorf("%s ended", c.Name)
			}
			got = bytes.TrimSuffix(got, []byte("   "))
		}
		if want.then != hangsUp && !bytes.Equal(got, want.bytes) {
			t.Errorf("%s: %d bytes came of %d", c.Name, len(got), len(want.bytes))
		}
		if leaks := s.scene.canaries.Leaks(got); (len(leaks) == 0) != slices.Contains(silent, c.Name) {
			t.Errorf("%s leaks %v", c.Name, leaks)
		}
		if want.then != hangsUp && s.Served() != before+1 {
			t.Errorf("%s: %d requests served, want one more than %d", c.Name, s.Served(), before)
		}
	}
}

func TestPlacesOfCanaries(t *testing.T) {
	s, address := serve(t)
	tests := []struct{ name, field string }{
		{"header-debug", ":x-debug"}, {"header-set-cookie", ":set-cookie"}, {"header-etag", ":etag"}, {"header-many", ":header"},
		{"header-hop-by-hop", ":header"}, {"reason-phrase", ":reason"}, {"trailers", ":trailer"}, {"trailers-unannounced", ":trailer"}, {"trailer-malformed", ":trailer"},
		{"chunk-extensions", ":header"}, {"early-hints-103", ":link"}, {"informational-1xx", ":x-debug"}, {"stray-bytes", ":stray"},
		{"stray-answer", ":stray"}, {"status-302", ":location"}, {"status-304", ":etag"}, {"status-204-body", "GMSFHM"},
		{"switching-101", "GMSFHM"}, {"gzip", "GMSFHM"}, {"gzip-stacked", "GMSFHM"}, {"utf-16le", "GMSFHM"}, {"utf-16be", "XM"}, {"gbk", ":new"},
		{"escaped-values", "LXDH"}, {"escaped-name", "GMSFHM"}, {"new-member", ":new"}, {"name-is-value", ":name"}, {"message-data", ":message"},
		{"total-text", ":message"}, {"chunked-cut-trailer", ":trailer"}, {"header-malformed", ":header"}, {"status-malformed", ":reason"},
		{"deep-objects", ":new"}, {"list-of-texts", "XM"}, {"stall-header", ":x-debug"},
	}
	for _, tt := range tests {
		set(t, s, tt.name)
		leaks := s.scene.canaries.Leaks(raw(t, address, 1<<20))
		if !slices.Contains(leaks, tt.field) {
			t.Errorf("%s leaks %v, want %s", tt.name, leaks, tt.field)
		}
	}
}

func TestTruncatedAndCut(t *testing.T) {
	s, address := serve(t)
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}
	whole := s.scene.whole()
	if s.Length() != len(whole) || len(whole) < 500 {
		t.Fatalf("length %d of %d", s.Length(), len(whole))
	}
	if syntaxOf([]byte(whole)) != "" {
		t.Fatal("the default body is not well-formed")
	}
	for n := range s.Length() {
		for _, c := range []Case{Truncated(n), Cut(n)} {
			set(t, s, c.Name)
			sent := s.script.Load()
			if !strings.HasSuffix(string(sent.bytes), "\r\n\r\n"+whole[:n]) {
				t.Fatalf("%s does not end with %d bytes", c.Name, n)
			}
			matching := strings.Contains(string(sent.bytes), fmt.Sprintf("Content-Length: %d\r\n", n))
			if matching != strings.HasPrefix(c.Name, "truncated") {
				t.Fatalf("%s: length matches %v", c.Name, matching)
			}
			if why, _ := answer(t, client, address, 0); why != c.Expect {
				t.Fatalf("%s: a client sees %q", c.Name, why)
			}
		}
	}
}

func TestSetRefusesUnknownNames(t *testing.T) {
	s, _ := serve(t)
	for _, name := range []string{"", "Plain", "truncated", "truncated@", "truncated@-1", fmt.Sprint("truncated@", s.Length()), "cut@x", "plain@1"} {
		if err := s.Set(name); !errors.Is(err, ErrUnknown) {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestCloseEndsWhatDoesNotEnd(t *testing.T) {
	for _, name := range []string{"stall", "silence", "drip", "flood", "keep-alive"} {
		s, address := serve(t)
		set(t, s, name)
		c, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: source\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		if want := s.script.Load().bytes; len(want) > 0 {
			if _, err := io.ReadFull(c, make([]byte, len(want))); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Close(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		// Close has waited: what the other side wrote is all there is.
		if _, err := io.Copy(io.Discard, c); errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%s: %v", name, err)
		}
		if err := s.Close(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("%s: closed twice: %v", name, err)
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
}
