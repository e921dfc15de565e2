package main

import (
	"errors"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime/debug"
	"strconv"
	"sync"
	"time"

	"hukougate/module/registry"
)

// upstreamRole is the argument with which hukoubench runs itself as the source.
const upstreamRole = "upstream"

// apparatusGC lets what measures collect garbage less often than what is
// measured: it has little of its own, and its share should be small.
const apparatusGC = 800

// Lengths of the source's bodies, in bytes.
const (
	smallBody = 1500
	largeBody = 60_000
)

// register is the same in every process.
var register = sync.OnceValue(func() *registry.Registry { return registry.Generate(registry.DefaultSeed) })

// upstreamHandler answers a POST with the small body and all else with the
// large one, whatever is asked, as fast as net/http can.
func upstreamHandler() http.Handler {
	small, large := register().ListBody(smallBody), register().ListBody(largeBody)
	mediaType := []string{"application/json; charset=utf-8"}
	smallLength, largeLength := []string{strconv.Itoa(len(small))}, []string{strconv.Itoa(len(large))}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, length := large, largeLength
		if r.Method == http.MethodPost {
			body, length = small, smallLength
		}
		h := w.Header()
		h["Content-Type"], h["Content-Length"] = mediaType, length
		_, _ = w.Write(body) // the proxy may be gone; there is nobody left to tell
	})
}

// serveUpstream is the source's process. The listener comes from the parent as
// the first inherited file, so that there is no port to agree on or wait for.
func serveUpstream() error {
	debug.SetGCPercent(apparatusGC)
	l, err := net.FileListener(os.NewFile(3, "listener"))
	if err != nil {
		return err
	}
	server := &http.Server{Handler: upstreamHandler(), ReadHeaderTimeout: 5 * time.Second}
	return server.Serve(l)
}

// startUpstream runs this program as the source and returns its host:port.
func startUpstream(dir string) (*process, string, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, "", err
	}
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return nil, "", err
	}
	inherited, err := l.File()
	if err = errors.Join(err, l.Close()); err != nil {
		return nil, "", err
	}
	defer inherited.Close()
	cmd := exec.Command(self, upstreamRole)
	cmd.ExtraFiles = []*os.File{inherited}
	p, err := start(cmd, dir, "upstream")
	return p, l.Addr().String(), err
}
