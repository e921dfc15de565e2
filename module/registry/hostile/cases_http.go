package hostile

import (
	"strings"

	"hukougate/module/access"
)

// harmless are answers a gate may give on, masked: the canaries stand where
// nothing but the masked body may pass.
var harmless = []definition{
	{Case{"plain", "", "a well-formed answer"}, func(s *scene) script { return ok(s.whole()) }},
	{Case{"keep-alive", "", "a well-formed answer on a connection that stays open"}, func(s *scene) script {
		return script{[]byte(head("200 OK", jsonType, length(len(s.whole()))) + s.whole()), keeps}
	}},
	{Case{"chunked", "", "the body in chunks that split characters"}, func(s *scene) script { return chunked(s.whole(), "0\r\n\r\n") }},
	{Case{"http-1.0", "", "the end of the body is the end of the connection"}, func(s *scene) script {
		return script{bytes: []byte("HTTP/1.0 200 OK\r\n" + jsonType + "\r\n\r\n" + s.whole())}
	}},
	{Case{"content-type-quoted", "", "the charset is quoted and the names in capitals"}, func(s *scene) script {
		return reply("200 OK", s.whole(), `CONTENT-TYPE: Application/JSON;Charset="UTF-8"`)
	}},
	{Case{"content-encoding-identity", "", "a content coding that is none"}, func(s *scene) script { return ok(s.whole(), "Content-Encoding: identity") }},
	{Case{"header-debug", "", "a value in a debugging header"}, func(s *scene) script { return ok(s.whole(), "X-Debug: person="+s.at("x-debug")) }},
	{Case{"header-set-cookie", "", "a value in a cookie"}, func(s *scene) script {
		return ok(s.whole(), "Set-Cookie: last="+s.at("set-cookie")+"; Path=/")
	}},
	{Case{"header-etag", "", "a digest of the unmasked body that confirms guesses"}, func(s *scene) script {
		return ok(s.whole(), `ETag: "`+s.at("etag")+`"`, "Last-Modified: Mon, 01 Jan 1917 00:00:00 GMT", "Content-MD5: "+s.at("etag"))
	}},
	{Case{"header-many", "", "values in headers that proxies like to pass on"}, func(s *scene) script {
		v := s.at("header")
		return ok(s.whole(), "Content-Disposition: attachment; filename="+v, "Server-Timing: db;desc="+v, "Link: </"+v+">; rel=next", "Location: /"+v,
			"Content-Location: /"+v, "Warning: 199 - "+v, "Server: "+v, "Via: 1.1 "+v, "WWW-Authenticate: Basic realm="+v, "Access-Control-Allow-Origin: "+v,
			"Cache-Control: public, max-age=9999, "+v, "Retry-After: "+v, "Content-Language: "+v, "X-Accel-Redirect: /"+v, "Alt-Svc: "+v, "X-Request-Id: "+v)
	}},
	{Case{"header-hop-by-hop", "", "a value in a header that Connection names"}, func(s *scene) script {
		return script{bytes: []byte(head("200 OK", jsonType, length(len(s.whole())), "Connection: close, X-Hop", "X-Hop: "+s.at("header"), "Keep-Alive: "+s.at("header")) + s.whole())}
	}},
	{Case{"reason-phrase", "", "a value in the reason phrase"}, func(s *scene) script { return reply("200 OK "+s.at("reason"), s.whole(), jsonType) }},
	{Case{"trailers", "", "announced trailers"}, func(s *scene) script {
		return chunked(s.whole(), "0\r\nX-Person: "+s.at("trailer")+"\r\n\r\n", "Trailer: X-Person")
	}},
	{Case{"trailer-malformed", access.SourceTruncated, "a trailer line without a colon, which net/http quotes in its error"}, func(s *scene) script {
		return chunked(s.whole(), "0\r\n"+s.at("trailer")+" no colon here\r\n\r\n")
	}},
	{Case{"trailers-unannounced", "", "trailers nobody announced"}, func(s *scene) script {
		return chunked(s.whole(), "0\r\nX-Person: "+s.at("trailer")+"\r\nSet-Cookie: p="+s.at("set-cookie")+"\r\n\r\n")
	}},
	{Case{"chunk-extensions", "", "a value in a chunk extension"}, func(s *scene) script {
		body := strings.ReplaceAll(chunks(s.whole(), 100), "64\r\n", "64;p="+s.at("header")+"\r\n")
		return script{bytes: []byte(head("200 OK", jsonType, "Transfer-Encoding: chunked", "Connection: close") + body + "0\r\n\r\n")}
	}},
	{Case{"early-hints-103", "", "103 with a Link before the answer"}, func(s *scene) script {
		return script{bytes: append([]byte(head("103 Early Hints", "Link: </"+s.at("link")+">; rel=preload", "X-Debug: "+s.at("x-debug"))), ok(s.whole()).bytes...)}
	}},
	{Case{"informational-1xx", "", "100, 102 and 199 with headers before the answer"}, func(s *scene) script {
		var b []byte
		for _, status := range []string{"100 Continue", "102 Processing", "199 " + s.at("reason")} {
			b = append(b, head(status, "X-Debug: "+s.at("x-debug"))...)
		}
		return script{bytes: append(b, ok(s.whole()).bytes...)}
	}},
	{Case{"stray-bytes", "", "bytes after the body on an open connection, which net/http writes to its log"}, func(s *scene) script {
		return script{[]byte(head("200 OK", jsonType, length(len(s.whole()))) + s.whole() + s.at("stray")), keeps}
	}},
	{Case{"stray-answer", "", "a second answer nobody asked for, to be taken for the next request's"}, func(s *scene) script {
		stray := listed(`{"XB":"` + s.at("stray") + `"}`)
		first := head("200 OK", jsonType, length(len(s.whole()))) + s.whole()
		return script{[]byte(first + head("200 OK", jsonType, length(len(stray))) + stray), keeps}
	}},
}

// status answers with another status and the whole record.
func status(name, line, note string, lines ...string) definition {
	return definition{Case{name, access.SourceStatus, note}, func(s *scene) script {
		return reply(line, s.whole(), append([]string{jsonType}, lines...)...)
	}}
}

// heads are answers whose status line is not 200.
var heads = []definition{
	status("status-201", "201 Created", "data under another 2xx"),
	status("status-203", "203 Non-Authoritative Information", "data under another 2xx"),
	status("status-206", "206 Partial Content", "a range nobody asked for", "Content-Range: bytes 0-99/9999"),
	status("status-299", "299 Fine", "data under an unassigned 2xx"),
	status("status-400", "400 Bad Request", "the record in an error body"),
	status("status-404", "404 Not Found", "the record in an error body"),
	status("status-500", "500 Internal Server Error", "the record in an error body"),
	status("status-503", "503 Service Unavailable", "the record in an error body", "Retry-After: 1"),
	status("status-999", "999 Odd", "the record under a status outside the registry"),
	{Case{"status-302", access.SourceStatus, "a value in Location"}, func(s *scene) script {
		return reply("302 Found", s.whole(), jsonType, "Location: http://127.0.0.1:9/?p="+s.at("location"))
	}},
	{Case{"status-304", access.SourceStatus, "not modified, with headers"}, func(s *scene) script {
		return script{bytes: []byte(head("304 Not Modified", `ETag: "`+s.at("etag")+`"`, "Connection: close"))}
	}},
	{Case{"status-204-body", access.SourceStatus, "no content, and a body all the same"}, func(s *scene) script {
		return script{[]byte(head("204 No Content", jsonType, length(len(s.whole()))) + s.whole()), keeps}
	}},
	// Caddy's reverse_proxy drops a 101 to a request without Upgrade and answers nothing.
	{Case{"switching-101", access.SourceUnreachable, "an upgrade nobody asked for, with data behind it"}, func(s *scene) script {
		return script{[]byte(head("101 Switching Protocols", "Connection: Upgrade", "Upgrade: websocket", "X-Debug: "+s.at("x-debug")) + s.whole()), stalls}
	}},
}

// typed answers 200 with other Content-Type lines.
func typed(name string, expect access.Reason, note string, lines ...string) definition {
	return definition{Case{name, expect, note}, func(s *scene) script { return reply("200 OK", s.whole(), lines...) }}
}

// coded answers 200 with content codings announced, the body by make.
func coded(name, note string, encode func(string) string, lines ...string) definition {
	return definition{Case{name, access.SourceEncoding, note}, func(s *scene) script { return ok(encode(s.whole()), lines...) }}
}

func asIs(body string) string { return body }

func twice(body string) string { return gzipped(gzipped(body)) }

// codings are answers whose type, charset or content coding is not the declared.
var codings = []definition{
	typed("content-type-none", access.SourceType, "no Content-Type"),
	typed("content-type-two", access.SourceType, "two Content-Types", jsonType, "Content-Type: text/html"),
	typed("content-type-twice", access.SourceType, "the same Content-Type twice", jsonType, jsonType),
	typed("content-type-list", access.SourceType, "two types in one line", "Content-Type: application/json, text/html"),
	typed("content-type-html", access.SourceType, "JSON as HTML", "Content-Type: text/html; charset=utf-8"),
	typed("content-type-plain", access.SourceType, "JSON as text", "Content-Type: text/plain"),
	typed("content-type-octets", access.SourceType, "JSON as bytes", "Content-Type: application/octet-stream"),
	typed("content-type-suffix", access.SourceType, "a type with the suffix +json", "Content-Type: application/vnd.czrk+json"),
	typed("content-type-ndjson", access.SourceType, "JSON lines", "Content-Type: application/x-ndjson"),
	typed("content-type-stream", access.SourceType, "an event stream", "Content-Type: text/event-stream"),
	typed("content-type-script", access.SourceType, "JSON as a script", "Content-Type: application/javascript"),
	typed("content-type-multipart", access.SourceType, "byte ranges", "Content-Type: multipart/byteranges; boundary=x"),
	typed("charset-gb18030", access.SourceEncoding, "a charset that is not declared", "Content-Type: application/json; charset=GB18030"),
	typed("charset-utf-16", access.SourceEncoding, "a charset that is not declared", "Content-Type: application/json; charset=utf-16"),
	typed("charset-utf-7", access.SourceEncoding, "a charset that is not declared", "Content-Type: application/json; charset=utf-7"),
	coded("gzip", "gzip, announced", gzipped, "Content-Encoding: gzip"),
	coded("gzip-capitals", "gzip, announced in capitals", gzipped, "Content-Encoding: GZIP"),
	coded("gzip-x", "gzip by its old name", gzipped, "Content-Encoding: x-gzip"),
	coded("gzip-header-only", "gzip announced over a plain body", asIs, "Content-Encoding: gzip"),
	coded("gzip-stacked", "gzip within gzip", twice, "Content-Encoding: gzip, gzip"),
	coded("gzip-two-headers", "gzip within gzip, announced in two lines", twice, "Content-Encoding: gzip", "Content-Encoding: gzip"),
	coded("identity-then-gzip", "identity in one line, gzip in the next", gzipped, "Content-Encoding: identity", "Content-Encoding: gzip"),
	coded("br-junk", "br announced over a plain body", asIs, "Content-Encoding: br"),
	coded("zstd-junk", "zstd announced over a plain body", asIs, "Content-Encoding: zstd"),
	coded("deflate-junk", "deflate announced over a plain body", asIs, "Content-Encoding: deflate"),
	{Case{"gzip-unannounced", access.SourceMalformed, "gzip without a header"}, func(s *scene) script { return ok(gzipped(s.whole())) }},
}
