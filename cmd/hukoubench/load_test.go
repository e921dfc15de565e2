package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func TestReadAnswer(t *testing.T) {
	for name, tt := range map[string]struct {
		text           string
		status, length int
		wrong          error // nil: none
	}{
		"whole":              {"HTTP/1.1 200 OK\r\nDate: x\r\ncontent-length:  5 \r\n\r\nhello", 200, 5, nil},
		"empty body":         {"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", 204, 0, nil},
		"no reason":          {"HTTP/1.1 429\r\nContent-Length: 2\r\n\r\n{}", 429, 2, nil},
		"body cut short":     {"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello", 0, 0, io.EOF},
		"header cut short":   {"HTTP/1.1 200 OK\r\nContent-Le", 0, 0, io.EOF},
		"nothing":            {"", 0, 0, io.EOF},
		"no length":          {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 0, 0, errAnswer},
		"two lengths":        {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello", 0, 0, errAnswer},
		"length is no count": {"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello", 0, 0, errAnswer},
		"status is no count": {"HTTP/1.1 2x0 OK\r\nContent-Length: 5\r\n\r\nhello", 0, 0, errAnswer},
		"another version":    {"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello", 0, 0, errAnswer},
	} {
		r := bufio.NewReader(strings.NewReader(tt.text + "HTTP/1.1 next"))
		if errors.Is(tt.wrong, io.EOF) {
			r = bufio.NewReader(strings.NewReader(tt.text))
		}
		status, length, err := readAnswer(r)
		if !errors.Is(err, tt.wrong) || tt.wrong == nil && (err != nil || status != tt.status || length != tt.length) {
			t.Errorf("%s: %d, %d, %v", name, status, length, err)
		}
		if tt.wrong != nil {
			continue
		}
		if rest, err := io.ReadAll(r); err != nil || string(rest) != "HTTP/1.1 next" {
			t.Errorf("%s: what follows the answer is %q (%v)", name, rest, err)
		}
	}
}

// serveTLS starts a server as the sides are: TLS 1.3, HTTP/1.1.
func serveTLS(t *testing.T, h http.Handler) target {
	t.Helper()
	server := httptest.NewUnstartedServer(h)
	server.TLS = &tls.Config{MinVersion: tls.VersionTLS13}
	server.StartTLS()
	t.Cleanup(server.Close)
	roots := server.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	return target{server.Listener.Addr().String(), "example.com", roots}
}

func openLoad(t *testing.T, to target, q question, connections, length int) load {
	t.Helper()
	l, err := dialLoad(t.Context(), to, q.requests(1, "hk_x", connections), length)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.close)
	return l
}

func TestRoundsCountEveryAnswer(t *testing.T) {
	for _, q := range questions() {
		var asked atomic.Int64
		source := upstreamHandler()
		to := serveTLS(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			asked.Add(1)
			body, err := io.ReadAll(r.Body)
			if err != nil || r.Method != q.method || r.RequestURI != q.path || r.Header.Get("X-Api-Key") != "hk_x" ||
				q.person != bytes.Contains(body, []byte("citizen_id")) {
				t.Errorf("%s: the source is asked %s %s %q", q.title, r.Method, r.RequestURI, body)
			}
			source.ServeHTTP(w, r)
		}))
		l := openLoad(t, to, q, 4, len(q.source()))
		answers := 0
		for range 2 {
			got, err := l.round(t.Context(), 50*time.Millisecond)
			if err != nil {
				t.Fatalf("%s: %v", q.title, err)
			}
			if got.answers < 4 || got.perSecond() <= 0 || got.times.quantile(0.5) <= 0 {
				t.Errorf("%s: a round of %d answers", q.title, got.answers)
			}
			answers += got.answers
		}
		if n := int(asked.Load()); n != answers {
			t.Errorf("%s: %d answers counted, %d given", q.title, answers, n)
		}
	}
}

func TestRoundRefusesWrongAnswers(t *testing.T) {
	q := questions()[0]
	for name, tt := range map[string]struct {
		answer http.HandlerFunc
		wrong  error // nil: any
	}{
		"status":      {func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusTooManyRequests) }, errAnswer},
		"length":      {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("{}")) }, errAnswer},
		"broken off":  {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, nil},
		"later wrong": {afterFour(len(q.source())), errAnswer},
	} {
		l := openLoad(t, serveTLS(t, tt.answer), q, 2, len(q.source()))
		got, err := l.round(t.Context(), time.Hour)
		if err == nil || got != nil || tt.wrong != nil && !errors.Is(err, tt.wrong) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// afterFour gives four right answers, then short ones.
func afterFour(length int) http.HandlerFunc {
	var n atomic.Int64
	return func(w http.ResponseWriter, _ *http.Request) {
		if n.Add(1) > 4 {
			_, _ = w.Write([]byte("1"))
			return
		}
		_, _ = w.Write(make([]byte, length))
	}
}

func TestRoundEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	to := serveTLS(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done() // no answer until the client gives up
	}))
	l := openLoad(t, to, questions()[1], 2, 1)
	if _, err := l.round(ctx, time.Hour); !errors.Is(err, context.Canceled) {
		t.Errorf("round: %v", err)
	}
}
