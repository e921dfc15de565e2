package gateway

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"hukougate/module/access"
	"hukougate/module/rules"
)

// hostile are texts that mean something to URLs, JSON or headers. No type of
// parameter takes most of them; upstreamRequest must not depend on that.
var hostile = []string{
	"../../admin", "a/b", "a?b=c", "a&b=c", "a=b", "a#b", "a;b", "%2e%2e%2f", "a b", "a+b", "a\r\nX-Admin: 1", "a\x00b", `a"b`, `a\b`, `","admin":"1`,
	"</script>", "\u2028", "{http.request.uri}", "书", "𠮷", "\ufeff", ".", "..", "//x", "http://x/",
}

func TestUpstreamRequest(t *testing.T) {
	route := snapshot(t).Route("book-get")
	list := snapshot(t).Route("book-list")
	for _, text := range append(hostile, "plain", someone) {
		values := func(r *rules.Route) (out []value) {
			for i := range r.Parameters {
				if r.Parameters[i].Type != rules.TypeInteger {
					out = append(out, value{&r.Parameters[i], text})
				}
			}
			return out
		}
		r, err := upstreamRequest(t.Context(), call{route, values(route)})
		if err != nil {
			t.Fatal(err)
		}
		sent(t, text, r, "POST", "/b/get", "d="+url.QueryEscape(text)+"&s="+url.QueryEscape(text))
		var members map[string]string
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(body, &members); err != nil || len(members) != 3 || members["rid"] != text || members["gid"] != text || members["t"] != text {
			t.Errorf("%q: body %s", text, body)
		}
		if r.ContentLength != int64(len(body)) || r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%q: %d bytes of %s are announced", text, r.ContentLength, r.Header.Get("Content-Type"))
		}
		r, err = upstreamRequest(t.Context(), call{list, values(list)})
		if err != nil {
			t.Fatal(err)
		}
		sent(t, text, r, "GET", "/b/"+url.PathEscape(text)+"/list", "s="+url.QueryEscape(text))
		if r.Body != nil || r.ContentLength != 0 || r.Header.Get("Content-Type") != "" {
			t.Errorf("%q: a GET with a body", text)
		}
	}
}

// sent compares a request with what the route says, also as it goes over the wire.
func sent(t *testing.T, text string, r *http.Request, method, path, query string) {
	t.Helper()
	if r.Method != method || r.URL.EscapedPath() != path || r.URL.RawQuery != query || r.RequestURI != path+"?"+query || r.URL.Fragment != "" || r.URL.User != nil {
		t.Errorf("%q: asks %s %q, want %s %s?%s", text, r.Method, r.URL, method, path, query)
	}
	want := map[string]string{"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "hukougate"}
	for name, values := range r.Header {
		if name != "Content-Type" && (len(values) != 1 || values[0] != want[name]) {
			t.Errorf("%q: header %s: %q", text, name, values)
		}
		delete(want, name)
	}
	if len(want) > 0 || r.RemoteAddr != "@" || r.TLS != nil || len(r.Trailer) > 0 || r.Host != "source.invalid" {
		t.Errorf("%q: headers missing %v, from %q, for %q", text, want, r.RemoteAddr, r.Host)
	}
	clone := r.Clone(r.Context())
	clone.Body, clone.ContentLength = nil, 0
	var wire bytes.Buffer
	if err := clone.Write(&wire); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(&wire).ReadString('\n')
	if err != nil || line != method+" "+path+"?"+query+" HTTP/1.1\r\n" {
		t.Errorf("%q: on the wire %q, %v", text, line, err)
	}
}

func TestUpstreamRequestWithoutAPathValue(t *testing.T) {
	list := snapshot(t).Route("book-list")
	for _, values := range [][]value{nil, {{&list.Parameters[0], ""}}, {{&list.Parameters[2], "x"}}} {
		if r, err := upstreamRequest(t.Context(), call{list, values}); err == nil {
			t.Errorf("%v: asks for %s", values, r.URL)
		}
	}
}

func TestBodyInTheRoutesOrder(t *testing.T) {
	route := snapshot(t).Route("book-get")
	got, err := encodeBody([]value{{&route.Parameters[3], "7"}, {&route.Parameters[0], "b"}, {&route.Parameters[2], "a"}})
	if err != nil || string(got) != `{"n":7,"rid":"b","t":"a"}` {
		t.Errorf("%s, %v", got, err)
	}
	if got, err := encodeBody(nil); err != nil || string(got) != "{}" {
		t.Errorf("%s, %v", got, err)
	}
}

// TestCollectorIsNothingElse: whatever else it were, the source could go round it.
func TestCollectorIsNothingElse(t *testing.T) {
	var w http.ResponseWriter = new(collector)
	if _, ok := w.(http.Flusher); ok {
		t.Error("it is an http.Flusher")
	}
	if _, ok := w.(interface{ FlushError() error }); ok {
		t.Error("it has FlushError")
	}
	if _, ok := w.(http.Hijacker); ok {
		t.Error("it is an http.Hijacker")
	}
	if _, ok := w.(io.ReaderFrom); ok {
		t.Error("it is an io.ReaderFrom")
	}
	if _, ok := w.(io.StringWriter); ok {
		t.Error("it is an io.StringWriter")
	}
	if _, ok := w.(http.Pusher); ok {
		t.Error("it is an http.Pusher")
	}
	if _, ok := w.(interface{ Unwrap() http.ResponseWriter }); ok {
		t.Error("it has Unwrap")
	}
	c := http.NewResponseController(w)
	if _, _, err := c.Hijack(); !errors.Is(err, http.ErrNotSupported) {
		t.Errorf("Hijack: %v", err)
	}
	if err := c.Flush(); !errors.Is(err, http.ErrNotSupported) {
		t.Errorf("Flush: %v", err)
	}
	if err := c.SetWriteDeadline(time.Time{}); !errors.Is(err, http.ErrNotSupported) {
		t.Errorf("SetWriteDeadline: %v", err)
	}
}

func newCollector(limit int64) *collector {
	return &collector{header: http.Header{"Content-Type": {"application/json"}}, limit: limit, mediaType: "application/json"}
}

func TestCollector(t *testing.T) {
	for name, tt := range map[string]struct {
		write func(*collector)
		want  access.Reason
		body  string
	}{
		"whole":          {func(c *collector) { c.WriteHeader(200); _, _ = c.Write([]byte("ab")); _, _ = c.Write([]byte("cd")) }, "", "abcd"},
		"no WriteHeader": {func(c *collector) { _, _ = c.Write([]byte("ab")) }, "", "ab"},
		"early hints": {func(c *collector) {
			c.header.Set("Link", "</x>")
			c.WriteHeader(103)
			c.WriteHeader(100)
			c.WriteHeader(200)
			_, _ = c.Write([]byte("ab"))
		}, "", "ab"},
		"second status":    {func(c *collector) { c.WriteHeader(200); c.WriteHeader(500); _, _ = c.Write([]byte("ab")) }, "", "ab"},
		"identity":         {func(c *collector) { c.header.Set("Content-Encoding", "Identity"); _, _ = c.Write([]byte("ab")) }, "", "ab"},
		"just the limit":   {func(c *collector) { _, _ = c.Write(make([]byte, 8)) }, "", string(make([]byte, 8))},
		"empty":            {func(c *collector) { c.WriteHeader(200) }, "", ""},
		"over the limit":   {func(c *collector) { _, _ = c.Write(make([]byte, 9)) }, access.SourceTooLarge, ""},
		"over it in parts": {func(c *collector) { _, _ = c.Write(make([]byte, 8)); _, _ = c.Write([]byte("x")) }, access.SourceTooLarge, ""},
		"error":            {func(c *collector) { c.WriteHeader(500); _, _ = c.Write([]byte("secret")) }, access.SourceStatus, ""},
		"created":          {func(c *collector) { c.WriteHeader(201); _, _ = c.Write([]byte("ab")) }, access.SourceStatus, ""},
		"no content":       {func(c *collector) { c.WriteHeader(204) }, access.SourceStatus, ""},
		"partial":          {func(c *collector) { c.WriteHeader(206) }, access.SourceStatus, ""},
		"redirect":         {func(c *collector) { c.header.Set("Location", "/x"); c.WriteHeader(302) }, access.SourceStatus, ""},
		"other protocol":   {func(c *collector) { c.WriteHeader(101); _, _ = c.Write([]byte("x")) }, access.SourceStatus, ""},
		"gzip":             {func(c *collector) { c.header.Set("Content-Encoding", "gzip"); c.WriteHeader(200) }, access.SourceEncoding, ""},
		"two codings":      {func(c *collector) { c.header["Content-Encoding"] = []string{"identity", "gzip"}; c.WriteHeader(200) }, access.SourceEncoding, ""},
		"list of codings":  {func(c *collector) { c.header.Set("Content-Encoding", "identity, gzip"); c.WriteHeader(200) }, access.SourceEncoding, ""},
		"other charset": {func(c *collector) {
			c.header.Set("Content-Type", "application/json; charset=gb18030")
			c.WriteHeader(200)
		}, access.SourceEncoding, ""},
		"no type":          {func(c *collector) { c.header.Del("Content-Type"); _, _ = c.Write([]byte("{}")) }, access.SourceType, ""},
		"two types":        {func(c *collector) { c.header.Add("Content-Type", "application/json"); c.WriteHeader(200) }, access.SourceType, ""},
		"HTML":             {func(c *collector) { c.header.Set("Content-Type", "text/html; charset=utf-8"); c.WriteHeader(200) }, access.SourceType, ""},
		"type of a longer": {func(c *collector) { c.header.Set("Content-Type", "application/jsonp"); c.WriteHeader(200) }, access.SourceType, ""},
		"type set too late": {func(c *collector) {
			c.header.Del("Content-Type")
			c.WriteHeader(200)
			c.header.Set("Content-Type", "application/json")
			_, _ = c.Write([]byte("ab"))
		}, access.SourceType, ""},
		"written after that": {func(c *collector) { c.WriteHeader(500); c.status = 0; c.WriteHeader(500); _, _ = c.Write([]byte("ab")) }, access.SourceStatus, ""},
	} {
		c := newCollector(8)
		tt.write(c)
		if c.refused != tt.want || c.body.String() != tt.body {
			t.Errorf("%s: %q with %d bytes, want %q with %d", name, c.refused, c.body.Len(), tt.want, len(tt.body))
		}
		if c.refused == "" {
			continue
		}
		if n, err := c.Write([]byte("more")); n != 0 || !errors.Is(err, errCollector) || c.body.Len() != 0 {
			t.Errorf("%s: a refused collector still takes bytes: %d, %v", name, n, err)
		}
	}
}

// source is a data source in the gate's own process.
type source func(http.ResponseWriter, *http.Request, caddyhttp.Handler) error

func (s source) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	return s(w, r, next)
}

// silent is a source that never answers.
func silent(_ http.ResponseWriter, r *http.Request, _ caddyhttp.Handler) error {
	<-r.Context().Done()
	return r.Context().Err()
}

// answer is a source that answers well.
func answer(w http.ResponseWriter) error {
	w.Header().Set("Content-Type", "application/json")
	_, err := w.Write([]byte(`{"l":[]}`))
	return err
}

type contextKey string

// client is a request as Caddy gives it to the handler, full of what must not
// reach the source.
func client(ctx context.Context) *http.Request {
	r := parsed("POST", "/v1/books/get", "{}", jsonHeader, "X-Api-Key: secret", "Cookie: secret", "Forwarded: for=secret", "Connection: upgrade", "Expect: 100-continue")
	r.RemoteAddr = "192.0.2.1:1234"
	ctx = context.WithValue(ctx, caddyhttp.ServerCtxKey, new(caddyhttp.Server))
	ctx = context.WithValue(ctx, contextKey("secret"), "secret")
	return r.WithContext(ctx)
}

func bookGet(t *testing.T) call {
	t.Helper()
	route := snapshot(t).Route("book-get")
	return call{route, []value{{&route.Parameters[0], someone}}}
}

func TestSourceSeesNothingOfTheClient(t *testing.T) {
	seen := false
	a := &App{sources: map[string]caddyhttp.MiddlewareHandler{"store": source(func(w http.ResponseWriter, r *http.Request, _ caddyhttp.Handler) error {
		seen = true
		for name, values := range r.Header {
			if strings.Contains(fmt.Sprint(name, values), "secret") {
				t.Errorf("header %s: %q", name, values)
			}
		}
		if r.RemoteAddr != "@" || r.Context().Value(contextKey("secret")) != nil {
			t.Errorf("the source sees the client: %s", r.RemoteAddr)
		}
		if original, ok := r.Context().Value(caddyhttp.OriginalRequestCtxKey).(http.Request); ok && (original.URL.Path != "/b/get" || original.RemoteAddr != "@") {
			t.Errorf("the source's context holds the client's request: %s", original.URL)
		}
		replacer := r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer)
		for _, name := range []string{"http.request.header.X-Api-Key", "http.request.orig_uri.path", "http.request.remote.host", "http.request.uri.path", "http.request.cookie.secret"} {
			if v, ok := replacer.GetString(name); ok && strings.Contains(v, "secret") || v == "/v1/books/get" || v == "192.0.2.1" {
				t.Errorf("{%s} is %q", name, v)
			}
		}
		body, err := io.ReadAll(r.Body)
		if err != nil || string(body) != fmt.Sprintf(`{"rid":%q}`, someone) {
			t.Errorf("body %s, %v", body, err)
		}
		return answer(w)
	})}}
	got, why := a.ask(client(t.Context()), bookGet(t))
	if !seen || why != "" || got.Status != 200 || got.MediaType != "application/json" || string(got.Body) != `{"l":[]}` {
		t.Errorf("%+v, %q", got, why)
	}
}

func TestAskRefuses(t *testing.T) {
	gone, leave := context.WithCancel(t.Context())
	leave()
	for name, tt := range map[string]struct {
		source source
		ctx    context.Context
		want   access.Reason
	}{
		"status": {func(w http.ResponseWriter, _ *http.Request, _ caddyhttp.Handler) error {
			w.WriteHeader(404)
			return nil
		}, nil, access.SourceStatus},
		"no answer": {func(http.ResponseWriter, *http.Request, caddyhttp.Handler) error { return nil }, nil, access.SourceUnreachable},
		"only hints": {func(w http.ResponseWriter, _ *http.Request, _ caddyhttp.Handler) error {
			w.WriteHeader(103)
			return nil
		}, nil, access.SourceUnreachable},
		"unreachable": {func(http.ResponseWriter, *http.Request, caddyhttp.Handler) error {
			return caddyhttp.Error(502, &net.OpError{})
		}, nil, access.SourceUnreachable},
		"its time is up": {func(http.ResponseWriter, *http.Request, caddyhttp.Handler) error {
			return caddyhttp.Error(504, errors.New("x"))
		}, nil, access.SourceTimeout},
		"error at last": {func(w http.ResponseWriter, _ *http.Request, _ caddyhttp.Handler) error {
			_ = answer(w)
			return errors.New("x")
		}, nil, access.SourceUnreachable},
		"breaks off": {func(w http.ResponseWriter, _ *http.Request, _ caddyhttp.Handler) error {
			_ = answer(w)
			panic(http.ErrAbortHandler)
		}, nil, access.SourceTruncated},
		"passes it on": {func(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
			return next.ServeHTTP(w, r)
		}, nil, access.SourceUnreachable},
		"too much": {func(w http.ResponseWriter, _ *http.Request, _ caddyhttp.Handler) error {
			_ = answer(w)
			_, err := w.Write(make([]byte, 64))
			return err
		}, nil, access.SourceTooLarge},
		"too slow":    {silent, nil, access.SourceTimeout},
		"client gone": {silent, gone, access.ClientGone},
	} {
		c := bookGet(t)
		if name == "too slow" {
			short := *c.route
			short.Timeout = time.Millisecond
			c.route = &short
		}
		ctx := tt.ctx
		if ctx == nil {
			ctx = t.Context()
		}
		a := &App{sources: map[string]caddyhttp.MiddlewareHandler{"store": tt.source}}
		if got, why := a.ask(client(ctx), c); why != tt.want || got.Body != nil || got.Status != 0 {
			t.Errorf("%s: %+v, %q, want %q", name, got, why, tt.want)
		}
	}
}

func TestAskWithoutASource(t *testing.T) {
	a := &App{sources: map[string]caddyhttp.MiddlewareHandler{"other": source(nil)}}
	if _, why := a.ask(client(t.Context()), bookGet(t)); why != access.InternalError {
		t.Errorf("no source: %q", why)
	}
	a.sources["store"] = source(func(http.ResponseWriter, *http.Request, caddyhttp.Handler) error { return nil })
	if _, why := a.ask(parsed("GET", "/", ""), bookGet(t)); why != access.InternalError {
		t.Errorf("no Caddy server: %q", why)
	}
}

// TestSourcesOwnPanicIsNotHidden: only Caddy's way of breaking off is an answer.
func TestSourcesOwnPanicIsNotHidden(t *testing.T) {
	defer func() {
		if recover() != "bug" {
			t.Error("the panic did not come through")
		}
	}()
	_ = serve(source(func(http.ResponseWriter, *http.Request, caddyhttp.Handler) error { panic("bug") }), newCollector(1), client(t.Context()))
}
