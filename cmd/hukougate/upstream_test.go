package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
)

// listener is a source that keeps every byte of every request, answers an empty
// list and closes.
type listener struct {
	net.Listener
	mu       sync.Mutex
	requests []string
}

const emptyList = `{"code":0,"message":"成功","data":{"total":0,"list":[]}}`

func startListener(t *testing.T) *listener {
	t.Helper()
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &listener{Listener: inner}
	var work sync.WaitGroup
	t.Cleanup(func() { _ = l.Close(); work.Wait() })
	work.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			work.Go(func() { l.take(c) })
		}
	})
	return l
}

func (l *listener) take(c net.Conn) {
	defer c.Close()
	var seen strings.Builder
	r, err := http.ReadRequest(bufio.NewReader(io.TeeReader(c, &seen)))
	if err != nil {
		return
	}
	_, err = io.Copy(io.Discard, r.Body)
	l.mu.Lock()
	l.requests = append(l.requests, seen.String())
	l.mu.Unlock()
	if err == nil {
		_, _ = fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s", len(emptyList), emptyList)
	}
}

// taken gives the requests since it was last called.
func (l *listener) taken() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := l.requests
	l.requests = nil
	return all
}

// clutter is what clients, and proxies on the way, send along.
var clutter = []string{
	"User-Agent: CNRYagent/1.0", "Accept: text/html, CNRYaccept", "Accept-Encoding: gzip, br, zstd", "Accept-Language: en, zh;q=0.5", "Accept-Charset: gbk",
	"Cookie: session=CNRYcookie", "Referer: https://CNRYreferer.example/?id=1", "Origin: https://CNRYorigin.example",
	"X-Forwarded-For: 203.0.113.7", "X-Forwarded-Host: CNRYhost", "X-Forwarded-Proto: http", "Forwarded: for=203.0.113.7;host=CNRYforwarded", "X-Real-IP: 203.0.113.7", "Via: 1.1 CNRYvia",
	"True-Client-IP: 203.0.113.7", "CF-Connecting-IP: 203.0.113.7",
	`If-None-Match: "CNRYetag"`, "If-Modified-Since: Mon, 01 Jan 2024 00:00:00 GMT", "If-Match: *", `If-Range: "CNRYetag"`, "Range: bytes=0-99",
	"X-HTTP-Method-Override: DELETE", "X-Original-URL: /api/admin", "X-Rewrite-URL: /api/admin", "X-User-Id: CNRYuser", "X_User_Id: CNRYuser", "Authentication-Info: CNRYinfo",
	"Proxy-Authorization: Basic CNRYproxy", "X-Request-Id: CNRYrequest", "Traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "Baggage: id=CNRYbaggage",
	"Priority: u=1", "Cache-Control: only-if-cached", "Pragma: CNRYpragma", "Max-Forwards: 3", "From: CNRYfrom@example.org", "Prefer: respond-async", "Expect-CT: CNRYct", "Dnt: 1",
	"X-Hukou-Receipt: CNRYreceipt", "X-Caller: registry-clerk", "Content-Language: CNRYlanguage", "Content-Location: /CNRYlocation", "Content-Disposition: CNRYdisposition",
}

// hopByHop are the headers of one connection; HTTP/2 does not have them.
var hopByHop = []string{"Connection: keep-alive, X-User-Id, Content-Type", "Keep-Alive: timeout=5", "TE: trailers", "Upgrade: websocket", "HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA", "Sec-WebSocket-Key: CNRYsocket"}

// TestOneCanonicalRequest asks with all the clutter there is, and looks at the
// bytes the source gets: each header, and the same bytes every time.
func TestOneCanonicalRequest(t *testing.T) {
	t.Parallel()
	source := startListener(t)
	site := newSite(t, source.Addr().String())
	g := startGate(t, site)
	clerk := site.Callers[0]
	const id = "110105190001049387"
	for _, c := range []struct {
		name, method, target, body string
		line, sent                 string
	}{
		{"lookup", "POST", lookupPath, lookupBody(id), "POST /api/czrk/query HTTP/1.1", `{"gmsfhm":"` + id + `"}`},
		{"lookup, other spelling", "POST", lookupPath, " {\t\"citizen\\u005fid\" :\n\"\\u0031" + id[1:] + `" } `, "POST /api/czrk/query HTTP/1.1", `{"gmsfhm":"` + id + `"}`},
		{"search", "POST", searchPath, `{"birth_date":"18990101","name":"买买提·吐尔逊<&>"}`, "POST /api/czrk/search HTTP/1.1", `{"xm":"买买提·吐尔逊\u003c\u0026\u003e","csrq":"18990101"}`},
		{"household", "POST", householdPath, `{"household_no":"H-1_a"}`, "POST /api/czrk/household HTTP/1.1", `{"hh":"H-1_a"}`},
		{"division", "GET", divisionPath, "", "GET /api/czrk/list?ssxq=110105 HTTP/1.1", ""},
		{"division, other order", "GET", divisionPath + "?size=2&p%61ge=%31", "", "GET /api/czrk/list?ssxq=110105&page=1&size=2 HTTP/1.1", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			type way struct {
				name string
				ask  func() answer
			}
			ways := []way{
				{"HTTP/1.1", func() answer {
					got, _ := dialWire(t, g, clerk).send(t, c.method, g.lines(clerk, c.method, c.target, c.body))
					return got
				}},
				{"HTTP/1.1 with clutter", func() answer {
					got, _ := dialWire(t, g, clerk).send(t, c.method, g.lines(clerk, c.method, c.target, c.body, slices.Concat(clutter, hopByHop)...))
					return got
				}},
				{"HTTP/2 with clutter", func() answer { return ask(t, g, clerk, c.method, c.target, c.body, headersOf(clutter)) }},
			}
			if c.body != "" {
				ways = append(ways, way{"in chunks, with trailers", func() answer {
					chunked := fmt.Sprintf("1\r\n%s\r\n%x;x=CNRYextension\r\n%s\r\n0\r\nX-User-Id: CNRYtrailer\r\n\r\n", c.body[:1], len(c.body)-1, c.body[1:])
					got, _ := dialWire(t, g, clerk).send(t, c.method, g.lines(clerk, c.method, c.target, chunked, "Transfer-Encoding: chunked", "Trailer: X-User-Id", "Expect: 100-continue"))
					return got
				}})
			}
			for _, way := range ways {
				if got := way.ask(); got.status != 200 || string(got.body) != `{"code":0,"data":{"total":0,"list":[]}}` {
					t.Fatalf("%s: %d %s", way.name, got.status, got.body)
				}
				if got, want := source.taken(), canonical(source, c.line, c.sent); !slices.Equal(got, []string{want}) {
					t.Errorf("%s: the source got %q\nwant %q", way.name, got, want)
				}
			}
		})
	}
}

// canonical is the whole request the source must get, byte by byte. The Via is
// Caddy's own (RFC 9110 §7.6.3) and always the same.
func canonical(source *listener, line, body string) string {
	head := line + "\r\nHost: " + source.Addr().String() + "\r\nUser-Agent: hukougate\r\n"
	if body != "" {
		head += fmt.Sprintf("Content-Length: %d\r\n", len(body))
	}
	head += "Accept: application/json\r\nAccept-Encoding: identity\r\n"
	if body != "" {
		head += "Content-Type: application/json\r\n"
	}
	return head + "Via: 1.1 Caddy\r\n\r\n" + body
}

// headersOf makes a header of lines.
func headersOf(lines []string) http.Header {
	h := http.Header{}
	for _, line := range lines {
		name, value, _ := strings.Cut(line, ": ")
		h.Add(name, value)
	}
	return h
}
