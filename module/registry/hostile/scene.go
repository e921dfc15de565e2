package hostile

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"strings"
	"unicode/utf16"
)

// scene is what the cases are made from.
type scene struct{ canaries Canaries }

// plain are the members of the default record that hold no canary.
const plain = `"XB":"1","XBHZ":"男","MZDM":"01","MZHZ":"汉族","SSXQ":"110105","RYZT":"0","XXJB":"0"`

// at is the canary of a place outside the record.
func (s *scene) at(place string) string { return s.canaries.Value(":" + place) }

// members writes every canary of the record as one member, its value by write.
func (s *scene) members(write func(value string) string) string {
	var b strings.Builder
	for _, c := range s.canaries {
		if !strings.HasPrefix(c.Field, ":") {
			fmt.Fprintf(&b, `"%s":%s,`, c.Field, write(c.Value))
		}
	}
	return b.String() + plain
}

func text(value string) string { return `"` + value + `"` }

// record is the default record; its values need no escapes.
func (s *scene) record() string { return "{" + s.members(text) + "}" }

// with is the default record with members before and after its own.
func (s *scene) with(before, after string) string {
	return "{" + before + s.members(text) + after + "}"
}

// listed is the envelope of module/registry around records.
func listed(records ...string) string {
	return fmt.Sprintf(`{"code":0,"message":"成功","data":{"total":%d,"list":[%s]}}`, len(records), strings.Join(records, ","))
}

// whole is the default body.
func (s *scene) whole() string { return listed(s.record()) }

// big is a well-formed body of more than n bytes.
func (s *scene) big(n int) string {
	record := s.record()
	return listed(strings.Split(strings.Repeat(record+"\n", n/len(record)+1)+record, "\n")...)
}

const (
	jsonType = "Content-Type: application/json; charset=utf-8"
	crlf     = "\r\n"
)

// head is a status line and header lines, with the empty line that ends them.
func head(status string, lines ...string) string {
	return "HTTP/1.1 " + status + crlf + strings.Join(lines, crlf) + crlf + crlf
}

func length(n int) string { return fmt.Sprintf("Content-Length: %d", n) }

// reply answers with a status, a body, its length and further header lines, and
// closes.
func reply(status, body string, lines ...string) script {
	return script{bytes: []byte(head(status, append(lines, length(len(body)), "Connection: close")...) + body)}
}

// ok answers 200 as JSON: the message is in order and only the body or the
// further header lines misbehave.
func ok(body string, lines ...string) script {
	return reply("200 OK", body, append([]string{jsonType}, lines...)...)
}

// chunks writes a body in chunks of n bytes (RFC 9112 section 7.1), without the
// last chunk.
func chunks(body string, n int) string {
	var b strings.Builder
	for len(body) > 0 {
		part := body[:min(n, len(body))]
		fmt.Fprintf(&b, "%x\r\n%s\r\n", len(part), part)
		body = body[len(part):]
	}
	return b.String()
}

// chunked answers 200 as JSON in chunks; last is what stands in place of the
// last chunk and the trailer section.
func chunked(body, last string, lines ...string) script {
	lines = append([]string{jsonType, "Transfer-Encoding: chunked", "Connection: close"}, lines...)
	return script{bytes: []byte(head("200 OK", lines...) + chunks(body, 100) + last)}
}

func gzipped(body string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	// Writing to memory does not fail.
	_, _ = w.Write([]byte(body))
	_ = w.Close()
	return b.String()
}

// utf16Of encodes a body in UTF-16 with a byte order mark.
func utf16Of(body string, big bool) string {
	units := append([]uint16{0xFEFF}, utf16.Encode([]rune(body))...)
	out := make([]byte, 0, 2*len(units))
	for _, u := range units {
		if big {
			out = append(out, byte(u>>8), byte(u))
		} else {
			out = append(out, byte(u), byte(u>>8))
		}
	}
	return string(out)
}

// escaped writes every character of a value as a \u escape.
func escaped(value string) string {
	var b strings.Builder
	for _, u := range utf16.Encode([]rune(value)) {
		fmt.Fprintf(&b, `\u%04x`, u)
	}
	return text(b.String())
}
