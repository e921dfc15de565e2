package gateway

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"
)

// quiet stands between reverse_proxy and the source. net/http's errors quote
// what the source sent ("malformed HTTP header line …"), and reverse_proxy logs
// errors: here they are given fixed texts. Trailers, which nobody reads, are
// dropped with it.
type quiet struct{ http.RoundTripper }

var (
	errSourceBroken = errors.New("the source's answer can't be read")
	errSourceSlow   = sourceSlow{}
)

// sourceSlow is a net.Error, by which reverse_proxy knows a timeout.
type sourceSlow struct{}

func (sourceSlow) Error() string   { return "the source did not answer in time" }
func (sourceSlow) Timeout() bool   { return true }
func (sourceSlow) Temporary() bool { return true }

func (q quiet) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := q.RoundTripper.RoundTrip(r)
	if err != nil {
		return nil, quieted(err)
	}
	// A copy: at the body's end the transport writes trailers into its own.
	out := *answer
	out.Trailer = nil
	out.Body = quietBody{answer.Body}
	return &out, nil
}

type quietBody struct{ io.ReadCloser }

func (b quietBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = quieted(err)
	}
	return n, err
}

// quieted keeps what an error is and replaces what it says.
func quieted(err error) error {
	var dial reverseproxy.DialError
	var timeout interface{ Timeout() bool }
	switch {
	case errors.Is(err, context.Canceled):
		return context.Canceled
	case errors.Is(err, context.DeadlineExceeded):
		return context.DeadlineExceeded
	case errors.As(err, &dial):
		return dial // says an address, nothing the source sent
	case errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return errSourceSlow
	}
	return errSourceBroken
}
