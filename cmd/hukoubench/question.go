package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"

	"hukougate/module/identity"
)

// question is what is asked of both sides. The source answers it with the same
// body whoever is asked for.
type question struct {
	title  string // in the report
	key    string // in the last lines
	route  string // of the rules
	caller int
	method string
	path   string
	person bool // a POST that names a person
}

func questions() []question {
	return []question{
		{title: "1.5 KB", key: "1k5", route: "resident-lookup", caller: socialSecurity, method: http.MethodPost, path: "/v1/residents/lookup", person: true},
		{title: "60 KB", key: "60k", route: "division-residents", caller: clerk, method: http.MethodGet, path: "/v1/divisions/110105/residents?page=1&size=40"},
	}
}

// source is the body the source answers with.
func (q question) source() []byte {
	if q.person {
		return register().ListBody(smallBody)
	}
	return register().ListBody(largeBody)
}

// body is that of the nth request; each names another person of the register.
func (q question) body(n int) string {
	if !q.person {
		return ""
	}
	people := register().Residents()
	return fmt.Sprintf(`{"citizen_id":%q}`, people[n%len(people)].GMSFHM)
}

// requests are the bytes that each connection sends. Both sides get the same,
// the API key of the gate's caller too.
func (q question) requests(port int, apiKey string, connections int) [][]byte {
	all := make([][]byte, connections)
	for n := range all {
		body := q.body(n)
		b := fmt.Appendf(nil, "%s %s HTTP/1.1\r\nHost: localhost:%d\r\nUser-Agent: hukoubench\r\n", q.method, q.path, port)
		b = fmt.Appendf(b, "%s: %s\r\n", identity.DefaultAPIKeyHeader, apiKey)
		if q.person {
			b = fmt.Appendf(b, "Content-Type: application/json\r\nContent-Length: %d\r\n", len(body))
		}
		all[n] = append(append(b, "\r\n"...), body...)
	}
	return all
}

// apiKey is that of the caller who asks.
func (s *side) apiKey(q question) string {
	return s.Callers[q.caller].Header.Get(identity.DefaultAPIKeyHeader)
}

// load opens the connections to a side.
func (s *side) load(ctx context.Context, requests [][]byte, length int) (load, error) {
	roots := s.Client(s.Callers[socialSecurity]).Transport.(*http.Transport).TLSClientConfig.RootCAs
	l, err := dialLoad(ctx, target{net.JoinHostPort("127.0.0.1", strconv.Itoa(s.Port)), "localhost", roots}, requests, length)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.name, err)
	}
	return l, nil
}

// probed is one answer, read by an ordinary client.
type probed struct {
	status  int
	receipt string
	body    []byte
}

// probe asks once; "" is no API key.
func (s *side) probe(ctx context.Context, q question, apiKey string) (probed, error) {
	r, err := http.NewRequestWithContext(ctx, q.method, s.URL(q.path), strings.NewReader(q.body(0)))
	if err != nil {
		return probed{}, err
	}
	if apiKey != "" {
		r.Header.Set(identity.DefaultAPIKeyHeader, apiKey)
	}
	if q.person {
		r.Header.Set("Content-Type", "application/json")
	}
	client := s.Client(s.Callers[socialSecurity])
	defer client.CloseIdleConnections()
	res, err := client.Do(r)
	if err != nil {
		return probed{}, fmt.Errorf("%s: %w", s.name, err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return probed{}, fmt.Errorf("%s: %w", s.name, err)
	}
	if res.StatusCode == http.StatusOK {
		s.answers++
	}
	return probed{res.StatusCode, res.Header.Get("X-Hukou-Receipt"), body}, nil
}

// probePlain makes sure that plain Caddy gives the source's answer as it is.
func probePlain(ctx context.Context, plain *side, q question, apiKey string) error {
	got, err := plain.probe(ctx, q, apiKey)
	if err != nil {
		return err
	}
	if got.status != http.StatusOK || got.receipt != "" || !bytes.Equal(got.body, q.source()) {
		return fmt.Errorf("%s, %s: %w: status %d, not the source's own body", plain.name, q.title, errAnswer, got.status)
	}
	return nil
}

// probeGate makes sure that the guards are there: a stranger is refused, and the
// caller's answer is masked and has a receipt. It returns that answer's body.
func probeGate(ctx context.Context, gate *side, q question, apiKey string) ([]byte, error) {
	stranger, err := gate.probe(ctx, q, "")
	if err != nil {
		return nil, err
	}
	got, err := gate.probe(ctx, q, apiKey)
	switch {
	case err != nil:
		return nil, err
	case stranger.status != http.StatusUnauthorized:
		return nil, fmt.Errorf("%s, %s: %w: a stranger gets status %d", gate.name, q.title, errAnswer, stranger.status)
	case got.status != http.StatusOK:
		return nil, fmt.Errorf("%s, %s: %w: status %d: %s", gate.name, q.title, errAnswer, got.status, got.body[:min(len(got.body), 500)])
	case got.receipt == "" || len(got.body) >= len(q.source()) || !json.Valid(got.body):
		return nil, fmt.Errorf("%s, %s: %w: not masked or not recorded", gate.name, q.title, errAnswer)
	}
	return got.body, nil
}
