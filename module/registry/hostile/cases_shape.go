package hostile

import (
	"strconv"
	"strings"

	"hukougate/module/access"
)

// shaped answers a well-formed body of which names, types or structure are not
// the declared.
func shaped(name string, expect access.Reason, note string, body func(*scene) string) definition {
	return definition{Case{name, expect, note}, func(s *scene) script { return ok(body(s)) }}
}

// valued answers a record whose values are all written in another way.
func valued(name, note string, write func(string) string) definition {
	return shaped(name, "", note, func(s *scene) string { return listed("{" + s.members(write) + "}") })
}

// named answers the default record with one more member of a strange name, whose
// value is the identity number.
func named(name, note, strange string) definition {
	return shaped(name, "", note, func(s *scene) string {
		return listed(s.with(`"`+strange+`":`+text(s.canaries.Value("GMSFHM"))+",", ""))
	})
}

// shapes are well-formed bodies that are not what the source declared.
var shapes = []definition{
	shaped("duplicate-name", access.SourceDuplicate, "a name twice in the record", func(s *scene) string {
		return listed(s.with(`"GMSFHM":"",`, ""))
	}),
	shaped("duplicate-name-escaped", access.SourceDuplicate, "a name twice, once with an escape", func(s *scene) string {
		return listed(s.with(`"GMSFH\u004d":"",`, ""))
	}),
	shaped("duplicate-name-last", access.SourceDuplicate, "a name that may pass, again at the end with another's value", func(s *scene) string {
		return listed(s.with("", `,"XB":`+text(s.at("new"))))
	}),
	shaped("duplicate-name-envelope", access.SourceDuplicate, "data twice", func(s *scene) string {
		return strings.Replace(s.whole(), `"data":`, `"data":{"total":0,"list":[]},"data":`, 1)
	}),
	shaped("duplicate-name-hidden", access.SourceDuplicate, "a name twice within a member that goes", func(s *scene) string {
		return listed(s.with(`"BZ":{"a":"`+s.at("new")+`","\u0061":""},`, ""))
	}),

	shaped("escaped-name", "", "a name written with escapes", func(s *scene) string {
		return strings.Replace(s.whole(), `"GMSFHM"`, `"GMSFH\u004d"`, 1)
	}),
	shaped("escaped-names", "", "every name written with escapes", func(s *scene) string {
		var members []string
		for _, c := range s.canaries {
			if !strings.HasPrefix(c.Field, ":") {
				members = append(members, escaped(c.Field)+":"+text(c.Value))
			}
		}
		return listed("{" + strings.Join(members, ",") + "}")
	}),
	valued("escaped-values", "every value written with escapes", escaped),
	named("name-lower", "a name in lower case", "gmsfhm"),
	named("name-wide", "a name in full-width letters", "ＧＭＳＦＨＭ"),
	named("name-zero-width", "a name with a zero-width joiner", "GMSFHM\u200d"),
	named("name-space", "a name with a space after it", "XB "),
	named("name-nul", "a name with an escaped zero after it", `XB\u0000`),
	named("name-slash", "a name with the path separator in it", "XM/XB"),
	named("name-star", "a name that is a pattern", "*"),
	named("name-empty", "an empty name", ""),
	named("name-alias", "the number under another system's name", "ZJHM"),
	shaped("name-is-value", "", "a name that is itself a value", func(s *scene) string {
		return listed(s.with(`"`+s.at("name")+`":"1",`, ""))
	}),
	shaped("new-member", "", "a member nobody has declared", func(s *scene) string { return listed(s.with(`"BZ":`+text(s.at("new"))+",", "")) }),
	shaped("new-object", "", "an object nobody has declared, with declared names in it", func(s *scene) string {
		return listed(s.with(`"KZ":{"XB":`+text(s.at("new"))+`,"list":[{"XB":`+text(s.at("new"))+"}]},", ""))
	}),
	shaped("new-list", "", "a second list beside the declared one", func(s *scene) string {
		return strings.Replace(s.whole(), `"list":`, `"rows":[{"XB":`+text(s.at("new"))+`}],"list":`, 1)
	}),
	shaped("new-root", "", "a second record beside data", func(s *scene) string {
		return strings.Replace(s.whole(), `"data":`, `"debug":`+s.record()+`,"XB":`+text(s.at("new"))+`,"data":`, 1)
	}),

	valued("value-object", "an object in place of every string", func(v string) string { return `{"XB":` + text(v) + "}" }),
	valued("value-array", "an array in place of every string", func(v string) string { return "[" + text(v) + `,{"XB":` + text(v) + "}]" }),
	valued("value-json", "a record as text in every string", func(v string) string { return `"{\"XB\":\"` + v + `\"}"` }),
	valued("value-padded", "every value with blanks around it", func(v string) string { return `"  ` + v + `\t"` }),
	valued("value-number", "a number in place of every string that has the digits", func(v string) string {
		if _, err := strconv.ParseUint(v, 10, 64); err != nil {
			return text(v)
		}
		return v
	}),
	shaped("value-in-plain", "", "values in members that are no secret", func(s *scene) string {
		return listed(strings.Replace(s.record(), `"XBHZ":"男"`, `"XBHZ":{"XM":`+text(s.at("new"))+"}", 1))
	}),

	shaped("data-array", access.SourceShape, "the records directly under data", func(s *scene) string {
		return `{"code":0,"message":"成功","data":[` + s.record() + "]}"
	}),
	shaped("data-text", access.SourceShape, "data as a JSON text in a string", func(s *scene) string {
		return `{"code":0,"message":"成功","data":` + strconv.Quote(s.record()) + "}"
	}),
	shaped("data-record", "", "the record in place of data", func(s *scene) string {
		return `{"code":0,"message":"成功","data":` + s.record() + "}"
	}),
	shaped("list-object", access.SourceShape, "the record in place of the list", func(s *scene) string {
		return `{"code":0,"message":"成功","data":{"total":1,"list":` + s.record() + "}}"
	}),
	shaped("list-text", access.SourceShape, "a string in place of the list", func(s *scene) string {
		return `{"code":0,"message":"成功","data":{"total":1,"list":` + text(s.at("new")) + "}}"
	}),
	shaped("list-of-texts", access.SourceShape, "strings in place of records", func(s *scene) string {
		return listed(text(s.canaries.Value("XM")), text(s.canaries.Value("GMSFHM")))
	}),
	shaped("list-of-arrays", access.SourceShape, "arrays in place of records", func(s *scene) string { return listed("[" + s.record() + "]") }),
	shaped("list-mixed", access.SourceShape, "a string after a record", func(s *scene) string { return listed(s.record(), text(s.at("new"))) }),
	shaped("root-array", access.SourceShape, "records without an envelope", func(s *scene) string { return "[" + s.record() + "]" }),
	shaped("root-text", access.SourceShape, "a string and nothing else", func(s *scene) string { return text(s.at("new")) }),
	shaped("root-record", "", "a record without an envelope", func(s *scene) string { return s.record() }),
	shaped("code-text", "", "a value in place of the code", func(s *scene) string {
		return strings.Replace(s.whole(), `"code":0`, `"code":`+text(s.at("message")), 1)
	}),
	shaped("code-number", "", "an identity number in place of the code", func(s *scene) string {
		return strings.Replace(s.whole(), `"code":0`, `"code":`+s.canaries.Value("GMSFHM"), 1)
	}),
	shaped("message-data", "", "a value in the message", func(s *scene) string {
		return strings.Replace(s.whole(), "成功", s.at("message"), 1)
	}),
	shaped("message-failure", "", "a failure that quotes the query, under 200", func(s *scene) string {
		return `{"code":500,"message":"查询失败：` + s.at("message") + `","data":null}`
	}),
	shaped("total-text", "", "a value in place of the total", func(s *scene) string {
		return strings.Replace(s.whole(), `"total":1`, `"total":`+text(s.at("message")), 1)
	}),
}
