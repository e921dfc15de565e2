package hostile

import (
	"strings"

	"hukougate/module/access"
)

// framings are messages whose framing is wrong.
var framings = []definition{
	{Case{"length-too-long", access.SourceTruncated, "the connection closes before the announced length"}, func(s *scene) script {
		return script{bytes: []byte(head("200 OK", jsonType, length(len(s.whole())+1), "Connection: close") + s.whole())}
	}},
	{Case{"length-too-short", access.SourceTruncated, "the announced length ends within the record"}, func(s *scene) script {
		return script{bytes: []byte(head("200 OK", jsonType, length(len(s.whole())-20), "Connection: close") + s.whole())}
	}},
	{Case{"length-zero", access.SourceTruncated, "an announced length of nothing before the record"}, func(s *scene) script {
		return script{bytes: []byte(head("200 OK", jsonType, length(0), "Connection: close") + s.whole())}
	}},
	{Case{"length-twice", access.SourceUnreachable, "two lengths that differ"}, func(s *scene) script {
		return script{bytes: []byte(head("200 OK", jsonType, length(len(s.whole())), length(9), "Connection: close") + s.whole())}
	}},
	{Case{"length-negative", access.SourceUnreachable, "a length below zero"}, func(s *scene) script {
		return script{bytes: []byte(head("200 OK", jsonType, length(-1), "X-Debug: "+s.at("x-debug"), "Connection: close") + s.whole())}
	}},
	{Case{"chunked-cut", access.SourceTruncated, "the last chunk is missing"}, func(s *scene) script { return chunked(s.whole(), "") }},
	{Case{"chunked-cut-within", access.SourceTruncated, "the connection closes within a chunk"}, func(s *scene) script { return chunked(s.whole(), "64\r\n  ") }},
	{Case{"chunked-cut-trailer", access.SourceTruncated, "the connection closes within the trailers"}, func(s *scene) script {
		return chunked(s.whole(), "0\r\nX-Person: "+s.at("trailer"))
	}},
	{Case{"chunked-bad-size", access.SourceTruncated, "a chunk size that is no number"}, func(s *scene) script {
		return chunked(s.whole(), s.at("stray")+"\r\n\r\n")
	}},
	{Case{"transfer-gzip", access.SourceUnreachable, "gzip as a transfer coding"}, func(s *scene) script {
		body := chunks(gzipped(s.whole()), 1<<20) + "0\r\n\r\n"
		return script{bytes: []byte(head("200 OK", jsonType, "Transfer-Encoding: gzip, chunked", "Connection: close") + body)}
	}},
	{Case{"header-cut", access.SourceUnreachable, "the connection closes within the header"}, func(s *scene) script {
		return script{bytes: []byte("HTTP/1.1 200 OK\r\nX-Debug: " + s.at("x-debug"))}
	}},
	{Case{"header-malformed", access.SourceUnreachable, "a header line without a colon, which errors like to quote"}, func(s *scene) script {
		return script{bytes: []byte("HTTP/1.1 200 OK\r\n" + s.at("header") + "\r\n\r\n" + s.whole())}
	}},
	{Case{"status-malformed", access.SourceUnreachable, "a status that is no number, which errors like to quote"}, func(s *scene) script {
		return script{bytes: []byte("HTTP/1.1 " + s.at("reason") + " OK\r\n\r\n" + s.whole())}
	}},
	{Case{"not-http", access.SourceUnreachable, "the record without any header, which errors like to quote"}, func(s *scene) script {
		return script{bytes: []byte(s.at("stray") + s.whole() + crlf)}
	}},
}

// endings are answers that are too long or do not end.
var endings = []definition{
	{Case{"too-large", access.SourceTooLarge, "a well-formed body above 1 MiB"}, func(s *scene) script { return ok(s.big(1200 << 10)) }},
	{Case{"too-large-chunked", access.SourceTooLarge, "a well-formed body above 1 MiB, its length not announced"}, func(s *scene) script {
		return chunked(s.big(1200<<10), "0\r\n\r\n")
	}},
	{Case{"flood", access.SourceTooLarge, "the record, then white space without end"}, func(s *scene) script {
		return script{[]byte(head("200 OK", jsonType, "Connection: close") + s.whole()), floods}
	}},
	{Case{"drip", access.SourceTimeout, "the record, then white space without end, a byte at a time"}, func(s *scene) script {
		return script{[]byte(head("200 OK", jsonType, "Connection: close") + s.whole()), drips}
	}},
	{Case{"stall", access.SourceTimeout, "a body that stops one byte before its end"}, func(s *scene) script {
		return script{[]byte(head("200 OK", jsonType, length(len(s.whole()))) + s.whole()[:len(s.whole())-1]), stalls}
	}},
	{Case{"stall-header", access.SourceTimeout, "a header that does not end"}, func(s *scene) script {
		return script{[]byte("HTTP/1.1 200 OK\r\nX-Debug: " + s.at("x-debug")), stalls}
	}},
	{Case{"silence", access.SourceTimeout, "no answer at all"}, func(*scene) script { return script{then: stalls} }},
	{Case{"close", access.SourceUnreachable, "the connection closes after the request"}, func(*scene) script { return script{} }},
	{Case{"hang-up", access.SourceUnreachable, "the connection closes before the request"}, func(*scene) script { return script{then: hangsUp} }},
}

// broken answers a body that is not JSON.
func broken(name string, expect access.Reason, note string, body func(*scene) string) definition {
	return definition{Case{name, expect, note}, func(s *scene) script { return ok(body(s)) }}
}

// after is the default record with text after its members.
func after(text string) func(*scene) string {
	return func(s *scene) string { return listed(s.with("", text)) }
}

// syntaxes are bodies that are not JSON in UTF-8, or not one text of it.
var syntaxes = []definition{
	broken("empty", access.SourceTruncated, "an empty body", func(*scene) string { return "" }),
	broken("blank", access.SourceTruncated, "nothing but white space", func(*scene) string { return " \r\n\t" }),
	broken("bom", access.SourceMalformed, "a byte order mark", func(s *scene) string { return "\uFEFF" + s.whole() }),
	broken("utf-16le", access.SourceMalformed, "UTF-16, little end first", func(s *scene) string { return utf16Of(s.whole(), false) }),
	broken("utf-16be", access.SourceMalformed, "UTF-16, big end first", func(s *scene) string { return utf16Of(s.whole(), true) }),
	// 誠 is D5 5C in GBK: its second byte is a backslash to a scanner that does
	// not know the charset.
	broken("gbk", access.SourceMalformed, "GBK with a trail byte that looks like a backslash", func(s *scene) string {
		return listed(s.with("\"XM\":\"\xd5\x5c"+s.at("new")+"\",", ""))
	}),
	broken("utf-8-invalid", access.SourceMalformed, "a byte that is not UTF-8", func(s *scene) string { return listed(s.with("\"BZ\":\"\xff\",", "")) }),
	broken("utf-8-overlong", access.SourceMalformed, "an overlong quotation mark", func(s *scene) string { return listed(s.with("\"BZ\":\"\xc0\xa2\",", "")) }),
	broken("utf-8-surrogate", access.SourceMalformed, "a surrogate in UTF-8", func(s *scene) string { return listed(s.with("\"BZ\":\"\xed\xa0\x80\",", "")) }),
	broken("two-documents", access.SourceMalformed, "a second text after the first", func(s *scene) string { return `{"code":0}` + s.whole() }),
	broken("two-lines", access.SourceMalformed, "one text per line", func(s *scene) string { return s.whole() + "\n" + s.whole() }),
	broken("trailing-garbage", access.SourceMalformed, "words after the text", func(s *scene) string { return s.whole() + s.at("stray") }),
	broken("trailing-nul", access.SourceMalformed, "a zero byte after the text", func(s *scene) string { return s.whole() + "\x00" }),
	broken("jsonp", access.SourceMalformed, "a call around the text", func(s *scene) string { return "callback(" + s.whole() + ");" }),
	broken("xssi-prefix", access.SourceMalformed, "a guard before the text", func(s *scene) string { return ")]}'\n" + s.whole() }),
	broken("html", access.SourceMalformed, "an error page", func(s *scene) string { return "<html><pre>" + s.whole() + "</pre></html>" }),
	broken("nan", access.SourceMalformed, "NaN", after(`,"BZ":NaN`)),
	broken("infinity", access.SourceMalformed, "Infinity", after(`,"BZ":-Infinity`)),
	broken("hexadecimal", access.SourceMalformed, "a hexadecimal number", after(`,"BZ":0x1F`)),
	broken("leading-zero", access.SourceMalformed, "a number with a leading zero", after(`,"BZ":01`)),
	broken("lone-surrogate", access.SourceMalformed, "an escaped surrogate alone", after(`,"BZ":"\ud800"`)),
	broken("lone-surrogate-name", access.SourceMalformed, "an escaped surrogate alone in a name", after(`,"\udc00":"x"`)),
	broken("bad-escape", access.SourceMalformed, "an escape there is not", after(`,"BZ":"\y"`)),
	broken("control-character", access.SourceMalformed, "a raw line break in a string", after(",\"BZ\":\"a\nb\"")),
	broken("comment", access.SourceMalformed, "a comment", after(`/* */`)),
	broken("trailing-comma", access.SourceMalformed, "a comma before the bracket", after(`,`)),
	broken("missing-comma", access.SourceMalformed, "no comma between members", after(`"BZ":"x"`)),
	broken("single-quotes", access.SourceMalformed, "single quotes", after(`,'BZ':'x'`)),
	broken("bare-name", access.SourceMalformed, "a name without quotes", after(`,BZ:"x"`)),
	broken("wrong-bracket", access.SourceMalformed, "a bracket closed by the other kind", after(`,"BZ":[}`)),
	broken("open-string", access.SourceTruncated, "a string that does not end", func(s *scene) string { return s.whole()[:strings.LastIndex(s.whole(), `"`)] }),
	broken("deep-arrays", access.SourceTooLarge, "ten thousand arrays within each other", func(s *scene) string {
		return listed(s.with(`"BZ":`+strings.Repeat("[", 10_000)+text(s.at("new"))+strings.Repeat("]", 10_000)+",", ""))
	}),
	broken("deep-objects", access.SourceTooLarge, "ten thousand objects within each other", func(s *scene) string {
		return listed(s.with(`"BZ":`+strings.Repeat(`{"a":`, 10_000)+text(s.at("new"))+strings.Repeat("}", 10_000)+",", ""))
	}),
}
