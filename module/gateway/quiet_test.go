package gateway

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"
)

const quoted = "CANARY 110105188203151395"

func TestQuietedSaysNothingOfTheSource(t *testing.T) {
	broken := errors.New("malformed HTTP header line: " + quoted)
	for name, tt := range map[string]struct {
		err     error
		is      error
		timeout bool
	}{
		"what the source sent": {broken, errSourceBroken, false},
		"canceled":             {fmt.Errorf("%s: %w", quoted, context.Canceled), context.Canceled, false},
		"deadline":             {fmt.Errorf("%s: %w", quoted, context.DeadlineExceeded), context.DeadlineExceeded, true},
		"slow":                 {&net.OpError{Op: "read", Err: os.ErrDeadlineExceeded, Source: nil}, errSourceSlow, true},
	} {
		got := quieted(tt.err)
		var timeout net.Error
		if !errors.Is(got, tt.is) || strings.Contains(got.Error(), "CANARY") {
			t.Errorf("%s: %v", name, got)
		}
		if is := errors.As(got, &timeout) && timeout.Timeout(); is != tt.timeout {
			t.Errorf("%s: timeout %v, want %v", name, is, tt.timeout)
		}
	}
	var dial reverseproxy.DialError
	if got := quieted(reverseproxy.DialError{}); !errors.As(got, &dial) {
		t.Errorf("a dial error became %v", got)
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestQuietDropsTrailersAndBodyErrors(t *testing.T) {
	inner := &http.Response{StatusCode: 200, Trailer: http.Header{"X-Person": {quoted}}}
	inner.Body = io.NopCloser(io.MultiReader(strings.NewReader("whole"), readerFunc(func([]byte) (int, error) { return 0, errors.New(quoted) })))
	answer, err := quiet{roundTrip(func(*http.Request) (*http.Response, error) { return inner, nil })}.RoundTrip(nil)
	if err != nil {
		t.Fatal(err)
	}
	if body, err := io.ReadAll(answer.Body); string(body) != "whole" || !errors.Is(err, errSourceBroken) {
		t.Errorf("body %q, %v", body, err)
	}
	if answer.Trailer != nil {
		t.Errorf("trailers %v", answer.Trailer)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }
