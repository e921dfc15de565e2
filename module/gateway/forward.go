package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"hukougate/module/access"
	"hukougate/module/rules"
)

// ask makes a new request from the call, hands it to the source's own
// reverse_proxy and collects the answer. Of the client's request it takes the
// context, so that a client that goes away ends the question.
func (a *App) ask(client *http.Request, c call) (answer access.Answer, why access.Reason) {
	source := a.sources[c.route.Resource.Source]
	server, ok := client.Context().Value(caddyhttp.ServerCtxKey).(*caddyhttp.Server)
	if source == nil || !ok {
		return access.Answer{}, access.InternalError
	}
	// The context ends with the client's and carries none of its values: they hold
	// the client's request (Caddy's OriginalRequestCtxKey, its replacer).
	ctx, cancel := context.WithTimeout(context.Background(), c.route.Timeout)
	defer cancel()
	defer context.AfterFunc(client.Context(), cancel)()
	r, err := upstreamRequest(ctx, c)
	if err != nil {
		return access.Answer{}, access.InternalError
	}
	w := &collector{limit: c.route.MaxBytes, mediaType: c.route.MediaType, header: http.Header{}}
	r = caddyhttp.PrepareRequest(r, caddy.NewReplacer(), w, server)

	err = serve(source, w, r)
	switch {
	case client.Context().Err() != nil:
		// First, because reverse_proxy then writes a status 499 of its own, which
		// is not the source's.
		return access.Answer{}, access.ClientGone
	case w.refused != "":
		return access.Answer{}, w.refused
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return access.Answer{}, access.SourceTimeout
	case errors.Is(err, errBrokeOff):
		return access.Answer{}, access.SourceTruncated
	case err != nil || w.status == 0:
		return access.Answer{}, sourceError(err)
	}
	return access.Answer{Status: w.status, MediaType: w.mediaType, Body: w.body.Bytes()}, ""
}

var errBrokeOff = errors.New("gateway: the source's answer broke off")

// serve runs the source. Caddy's reverse_proxy ends with a panic
// (http.ErrAbortHandler) when an answer breaks off after its header.
func serve(source caddyhttp.MiddlewareHandler, w http.ResponseWriter, r *http.Request) (err error) {
	defer func() {
		if v := recover(); v != nil {
			if v != http.ErrAbortHandler {
				panic(v)
			}
			err = errBrokeOff
		}
	}()
	return source.ServeHTTP(w, r, caddyhttp.HandlerFunc(func(http.ResponseWriter, *http.Request) error {
		return errors.New("gateway: the source passed the request on")
	}))
}

func sourceError(err error) access.Reason {
	var he caddyhttp.HandlerError
	if errors.As(err, &he) && he.StatusCode == http.StatusGatewayTimeout {
		return access.SourceTimeout
	}
	return access.SourceUnreachable
}

// upstreamRequest builds the one canonical request of a call.
func upstreamRequest(ctx context.Context, c call) (*http.Request, error) {
	sent := map[rules.Place][]value{}
	for _, v := range c.values {
		sent[v.parameter.SendIn] = append(sent[v.parameter.SendIn], v)
	}
	path, err := c.route.UpstreamPath.Expand(func(name string) (string, bool) {
		for _, v := range sent[rules.InPath] {
			if v.parameter.SendAs == name {
				return url.PathEscape(v.text), true
			}
		}
		return "", false
	})
	if err != nil {
		return nil, err
	}
	target := path
	if query := encodeQuery(sent[rules.InQuery]); query != "" {
		target += "?" + query
	}
	var body io.Reader
	if c.route.UpstreamMethod == http.MethodPost {
		raw, err := encodeBody(sent[rules.InBody])
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(raw)
	}
	// The host is the source's own: reverse_proxy dials its upstream whatever this says.
	r, err := http.NewRequestWithContext(ctx, c.route.UpstreamMethod, "http://source.invalid"+target, body)
	if err != nil {
		return nil, fmt.Errorf("gateway: %w", err)
	}
	r.RequestURI = target
	r.Proto, r.ProtoMajor, r.ProtoMinor = "HTTP/1.1", 1, 1
	r.RemoteAddr = "@" // no client address: it is in our record, not the source's concern
	r.Header = http.Header{
		"Accept": {c.route.MediaType},
		// Set, so that Go's transport doesn't negotiate gzip on its own.
		"Accept-Encoding": {"identity"},
		"User-Agent":      {"hukougate"},
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	return r, nil
}

func encodeQuery(values []value) string {
	pairs := make([]string, len(values))
	for i, v := range values {
		pairs[i] = url.QueryEscape(v.parameter.SendAs) + "=" + url.QueryEscape(v.text)
	}
	return strings.Join(pairs, "&")
}

// encodeBody writes the parameters in the route's order. encoding/json sorts
// maps, so the object is written member by member.
func encodeBody(values []value) ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, v := range values {
		if i > 0 {
			b.WriteByte(',')
		}
		name, err := json.Marshal(v.parameter.SendAs)
		if err != nil {
			return nil, fmt.Errorf("gateway: %w", err)
		}
		text := []byte(v.text)
		if v.parameter.Type != rules.TypeInteger {
			if text, err = json.Marshal(v.text); err != nil {
				return nil, fmt.Errorf("gateway: %w", err)
			}
		}
		b.Write(name)
		b.WriteByte(':')
		b.Write(text)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// collector is the only writer the source sees. It is no http.Flusher, Hijacker
// or ReaderFrom and has no Unwrap, so that nothing goes round it; it keeps no
// header, drops 1xx answers and trailers, and takes no more than the limit.
type collector struct {
	header    http.Header
	limit     int64
	mediaType string

	status  int
	refused access.Reason
	body    bytes.Buffer
}

var errCollector = errors.New("gateway: the source's answer is not wanted")

func (c *collector) Header() http.Header { return c.header }

func (c *collector) WriteHeader(status int) {
	if status < 200 && status != http.StatusSwitchingProtocols {
		return // 103 and its like: swallowed, with the headers they came with
	}
	if c.status != 0 {
		return
	}
	c.status = status
	switch coding := c.header["Content-Encoding"]; {
	case status != http.StatusOK:
		c.refused = access.SourceStatus
	case len(coding) > 1 || (len(coding) == 1 && !strings.EqualFold(coding[0], "identity")):
		c.refused = access.SourceEncoding
	default:
		c.refused = typeRefusal(c.header["Content-Type"], c.mediaType)
	}
	// The length the source states is a hint for memory, never more than the limit.
	if n, err := strconv.ParseInt(c.header.Get("Content-Length"), 10, 64); err == nil && n > 0 && n <= c.limit && c.refused == "" {
		c.body.Grow(int(n))
	}
}

// typeRefusal tells a wrong charset from a wrong type.
func typeRefusal(header []string, want string) access.Reason {
	if jsonType(header) {
		return ""
	}
	if len(header) == 1 && strings.HasPrefix(strings.ToLower(header[0]), want+";") && strings.Contains(strings.ToLower(header[0]), "charset") {
		return access.SourceEncoding
	}
	return access.SourceType
}

func (c *collector) Write(b []byte) (int, error) {
	if c.status == 0 {
		c.WriteHeader(http.StatusOK)
	}
	if c.refused == "" && int64(c.body.Len()+len(b)) > c.limit {
		c.refused = access.SourceTooLarge
	}
	if c.refused != "" {
		c.body.Reset()
		return 0, errCollector
	}
	return c.body.Write(b)
}
