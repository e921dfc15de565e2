package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"
)

// roundGrace is how long an answer may be late after the end of its round.
const roundGrace = 30 * time.Second

// connection is one HTTP/1.1 connection over TLS 1.3 that asks the same again
// and again. It writes and reads plain bytes: an HTTP client would cost as much
// as what is measured.
type connection struct {
	conn    *tls.Conn
	reader  *bufio.Reader
	request []byte
	length  int // that the body of every answer must have
}

// target is where to connect: host:port, the name its certificate must have, and
// whom to trust.
type target struct {
	address, name string
	roots         *x509.CertPool
}

func dial(ctx context.Context, to target) (*connection, error) {
	dialer := tls.Dialer{Config: &tls.Config{RootCAs: to.roots, ServerName: to.name, MinVersion: tls.VersionTLS13, NextProtos: []string{"http/1.1"}}}
	c, err := dialer.DialContext(ctx, "tcp", to.address)
	if err != nil {
		return nil, err
	}
	conn := c.(*tls.Conn)
	return &connection{conn: conn, reader: bufio.NewReaderSize(conn, 32<<10)}, nil
}

// ask sends the request and reads the whole answer.
func (c *connection) ask() error {
	if _, err := c.conn.Write(c.request); err != nil {
		return err
	}
	status, length, err := readAnswer(c.reader)
	switch {
	case err != nil:
		return err
	case status != 200:
		return fmt.Errorf("%w: status %d", errAnswer, status)
	case length != c.length:
		return fmt.Errorf("%w: a body of %d bytes, not %d", errAnswer, length, c.length)
	}
	return nil
}

var errAnswer = errors.New("unexpected answer")

// readAnswer reads one answer with a Content-Length and drops its body. An
// answer without one, or cut short, is an error.
func readAnswer(r *bufio.Reader) (status, length int, err error) {
	line, err := r.ReadSlice('\n')
	if err != nil {
		return 0, 0, err
	}
	const version = "HTTP/1.1 "
	if !bytes.HasPrefix(line, []byte(version)) || len(line) < len(version)+3 {
		return 0, 0, fmt.Errorf("%w: no HTTP/1.1 status line", errAnswer)
	}
	if status, err = strconv.Atoi(string(line[len(version) : len(version)+3])); err != nil {
		return 0, 0, fmt.Errorf("%w: no status", errAnswer)
	}
	length = -1
	for {
		if line, err = r.ReadSlice('\n'); err != nil {
			return 0, 0, err
		}
		if line = bytes.TrimSpace(line); len(line) == 0 {
			break
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		if !bytes.EqualFold(name, []byte("Content-Length")) {
			continue
		}
		n, err := strconv.Atoi(string(bytes.TrimSpace(value)))
		if err != nil || n < 0 || length >= 0 {
			return 0, 0, fmt.Errorf("%w: Content-Length", errAnswer)
		}
		length = n
	}
	if length < 0 {
		return 0, 0, fmt.Errorf("%w: no Content-Length", errAnswer)
	}
	_, err = r.Discard(length)
	return status, length, err
}

// load is a set of open connections to one side.
type load []*connection

// dialLoad opens a connection for every request.
func dialLoad(ctx context.Context, to target, requests [][]byte, length int) (load, error) {
	var l load
	for _, request := range requests {
		c, err := dial(ctx, to)
		if err != nil {
			l.close()
			return nil, err
		}
		c.request, c.length = request, length
		l = append(l, c)
	}
	return l, nil
}

func (l load) close() {
	for _, c := range l {
		_ = c.conn.Close() // nothing is on its way any more
	}
}

// tally is what one round gave.
type tally struct {
	answers int
	took    time.Duration
	cpu     time.Duration // of the process that answered
	times   histogram
}

func (t *tally) perSecond() float64 { return float64(t.answers) / t.took.Seconds() }

// round lets all connections ask for a time. A request under way at its end is
// waited for and counted, so that the count is exact. The first wrong answer
// ends the round and is its error.
func (l load) round(ctx context.Context, d time.Duration) (*tally, error) {
	begin := time.Now()
	end := begin.Add(d)
	for _, c := range l {
		if err := c.conn.SetDeadline(end.Add(roundGrace)); err != nil {
			return nil, err
		}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(ctx, func() {
		for _, c := range l {
			_ = c.conn.SetDeadline(time.Unix(1, 0)) // ends what is under way
		}
	})()
	var wait sync.WaitGroup
	times := make([]histogram, len(l))
	for i, c := range l {
		wait.Go(func() {
			if err := c.askUntil(ctx, end, &times[i]); err != nil {
				cancel(fmt.Errorf("connection %d: %w", i+1, err)) // only the first counts
			}
		})
	}
	wait.Wait()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	t := &tally{took: time.Since(begin)}
	for i := range l {
		t.times.merge(&times[i])
	}
	t.answers = int(t.times.total)
	return t, nil
}

func (c *connection) askUntil(ctx context.Context, end time.Time, times *histogram) error {
	for now := time.Now(); now.Before(end) && ctx.Err() == nil; {
		if err := c.ask(); err != nil {
			return err
		}
		answered := time.Now()
		times.add(answered.Sub(now))
		now = answered
	}
	return nil
}
