package hostile

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// dripEvery is the pause between two bytes of a dripping body.
const dripEvery = 5 * time.Millisecond

// Server plays one case to every request, over plain TCP: net/http would not
// send most of them. It is safe for concurrent use.
type Server struct {
	scene   scene
	script  atomic.Pointer[script]
	served  atomic.Int64
	closing chan struct{}
	work    sync.WaitGroup

	listener net.Listener
	mu       sync.Mutex
	open     map[net.Conn]struct{} // nil once closed
}

// Serve starts answering on l with the case "plain". No canaries means
// DefaultCanaries. The caller closes the Server, and with it l.
func Serve(l net.Listener, canaries Canaries) *Server {
	if len(canaries) == 0 {
		canaries = DefaultCanaries()
	}
	s := &Server{scene: scene{canaries}, closing: make(chan struct{}), listener: l, open: make(map[net.Conn]struct{})}
	first := definitions[0].play(&s.scene)
	s.script.Store(&first)
	s.work.Go(s.accept)
	return s
}

// Set chooses the case of the requests that come from now on. The error wraps
// ErrUnknown.
func (s *Server) Set(name string) error {
	next, err := s.scene.find(name)
	if err != nil {
		return err
	}
	s.script.Store(&next)
	return nil
}

// Length is the length in bytes of the default body, which Truncated and Cut
// break off.
func (s *Server) Length() int { return len(s.scene.whole()) }

// Served counts the requests that were read.
func (s *Server) Served() int { return int(s.served.Load()) }

// Close closes the listener and every connection and waits until all has ended.
func (s *Server) Close() error {
	s.mu.Lock()
	if s.open == nil {
		s.mu.Unlock()
		return net.ErrClosed
	}
	close(s.closing)
	err := s.listener.Close()
	for c := range s.open {
		// Only to wake its reader; the error is the reader's.
		_ = c.Close()
	}
	s.open = nil
	s.mu.Unlock()
	s.work.Wait()
	return err
}

func (s *Server) accept() {
	for {
		c, err := s.listener.Accept()
		if err != nil {
			return
		}
		s.mu.Lock()
		late := s.open == nil
		if !late {
			s.open[c] = struct{}{}
			s.work.Go(func() { s.converse(c) })
		}
		s.mu.Unlock()
		if late {
			_ = c.Close()
		}
	}
}

// converse answers the requests of one connection until its script ends it. Any
// error means that the other side has gone, which is its right.
func (s *Server) converse(c net.Conn) {
	defer func() {
		_ = c.Close()
		s.mu.Lock()
		delete(s.open, c)
		s.mu.Unlock()
	}()
	if s.script.Load().then == hangsUp {
		return
	}
	in := bufio.NewReader(c)
	for {
		r, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		// The request is read whole: closing with bytes unread would reset the
		// connection and could take the answer with it.
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			return
		}
		s.served.Add(1)
		now := s.script.Load()
		if _, err := c.Write(now.bytes); err != nil {
			return
		}
		if now.then != keeps {
			s.end(c, in, now.then)
			return
		}
	}
}

func (s *Server) end(c net.Conn, in *bufio.Reader, how ending) {
	switch how {
	case stalls:
		// Blocks until the other side, or Close, closes the connection.
		_, _ = in.ReadByte()
	case drips:
		tick := time.NewTicker(dripEvery)
		defer tick.Stop()
		for {
			select {
			case <-s.closing:
				return
			case <-tick.C:
			}
			if _, err := c.Write([]byte(" ")); err != nil {
				return
			}
		}
	case floods:
		blank := bytes.Repeat([]byte(" "), 32<<10)
		for {
			if _, err := c.Write(blank); err != nil {
				return
			}
		}
	}
}
