package main

import (
	"net/http"
	"strings"

	"hukougate/module/access"
	"hukougate/module/demo"
)

// credentialRows are asked by strangers: what they ask for makes no difference.
func (d *desk) credentialRows() []refusal {
	row := func(name, method, target string, code access.Reason, lines ...string) refusal {
		return refusal{name: "stranger/" + name, method: method, target: target, lines: lines, status: 401, code: code}
	}
	return []refusal{
		row("lookup", "POST", lookupPath, access.CredentialMissing),
		row("unknown route", "GET", "/v9/nothing", access.CredentialMissing),
		row("path not canonical", "GET", "/v1/../etc/passwd", access.CredentialMissing),
		row("not the key", "POST", lookupPath, access.CredentialInvalid, "X-Api-Key: hk_ss1_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
	}
}

func (d *desk) pathRows() []refusal {
	var rows []refusal
	add := func(status int, code access.Reason, targets ...string) {
		for _, target := range targets {
			rows = append(rows, refusal{name: "path/" + strings.ReplaceAll(target, "/", "|"), who: d.social, method: "GET", target: target, status: status, code: code})
		}
	}
	add(404, access.RouteUnknown, "/", "/v1", "/v1/residents", "/v1/residents/lookup/more", "/V1/residents/lookup", "/v1/residents/Lookup", "/v1/residents/lookup.",
		"/v1/residents/lookup.json", "/v2/residents/lookup", "/api/czrk/query", "/metrics", "/config", "/favicon.ico", "/v1/residents?page=1")
	// attacks F1: one spelling each for what two parsers could read differently.
	add(400, access.PathNotCanonical,
		"/v1/residents/lookup/", "//v1/residents/lookup", "/v1//residents/lookup", "/v1/residents//lookup", "/v1/residents/lookup//",
		"/v1/./residents/lookup", "/v1/residents/./lookup", "/v1/residents/lookup/.", "/v1/../v1/residents/lookup", "/v1/residents/x/../lookup", "/../v1/residents/lookup",
		"/v1/residents/..;/residents/lookup", "/v1/residents/lookup;x=1", "/v1/residents;a=b/lookup", "/;/v1/residents/lookup",
		"/v1/residents/%6cookup", "/v1/residents/%6Cookup", "/v1/residents%2flookup", "/v1/residents%2Flookup", "/%76%31/residents/lookup",
		"/v1/residents/%2e%2e/residents/lookup", "/v1/residents/%2E/lookup", "/v1/residents/.%2e/residents/lookup",
		"/v1/residents/%252e%252e/lookup", "/v1/residents%252flookup", "/v1/residents/lookup%253f",
		`/v1/residents\lookup`, `/v1\residents\lookup`, `/v1/residents/..\lookup`, "/v1/residents%5clookup", "/v1/residents/%5C..%5Clookup",
		"/v1/residents/lookup%00", "/v1/residents/lookup%00.json", "/v1/residents/%00lookup", "/v1/residents/lookup%20", "/v1/residents/lookup%09", "/v1/residents/lookup%0d%0aX:y",
		"/v1/residents/%c0%ae%c0%ae/lookup", "/v1/residents/%c0%aflookup", "/v1/residents/%e0%80%aelookup", "/v1/residents/l%C3%B6okup",
		"/v1/residents/ｌookup", "/v1/residents／lookup", "/v1/residents/%EF%BC%8E%EF%BC%8E/lookup", "/v1/residents/lookup\u200b", "/v1/residents/\xff",
		"/v1/residents/lookup#top", "/v1/residents/lookup%23", "/v1/residents/lookup%3Fx=1", "/v1/residents/{lookup}", "/v1/residents/*", "/v1/residents/lookup:80", "/v1/residents/lookup+",
		"/v1/residents/.lookup", "/...", "/~/", "/v1/divisions/110105%2fresidents", "/v1/divisions/%31%31%30%31%30%35/residents", "/v1/divisions//residents", "https://localhost/v1/residents/lookup")
	return rows
}

func (d *desk) methodRows() []refusal {
	var rows []refusal
	add := func(target, allow string, lines []string, methods ...string) {
		for _, method := range methods {
			rows = append(rows, refusal{"method/" + method + strings.ReplaceAll(target, "/", "|"), d.clerk, method, target, "", lines, 405, access.MethodNotAllowed, allow})
		}
	}
	add(lookupPath, "POST", []string{"Content-Length:", "Content-Type:"}, "GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE", "PATCH", "post", "Post", "PROPFIND", "QUERY", "PRI")
	add(divisionPath, "GET", nil, "HEAD", "OPTIONS", "TRACE", "POST", "DELETE", "get", "Get")
	// Overrides are not looked at: the method is the one in the request line.
	add(lookupPath, "POST", []string{"X-HTTP-Method-Override: POST", "X-HTTP-Method: POST", "X-Method-Override: POST"}, "GET")
	add(divisionPath+"?_method=GET", "GET", []string{"X-HTTP-Method-Override: GET"}, "DELETE")
	return rows
}

func (d *desk) parameterRows() []refusal {
	var rows []refusal
	add := func(name, method, target, body string, status int, code access.Reason, lines ...string) {
		rows = append(rows, refusal{"parameter/" + name, d.clerk, method, target, body, lines, status, code, ""})
	}
	for _, c := range []struct {
		query string
		code  access.Reason
	}{
		{"page=1&page=2", access.ParameterDuplicate}, {"page=1&page=1", access.ParameterDuplicate}, {"page=1&p%61ge=2", access.ParameterDuplicate}, {"x=1&x=2", access.ParameterDuplicate},
		{"page[]=1", access.ParameterUnknown}, {"Page=1", access.ParameterUnknown}, {"callback=x", access.ParameterUnknown}, {"fields=photo", access.ParameterUnknown},
		{"ssxq=110101", access.ParameterUnknown}, {"division=110101", access.ParameterUnknown}, {"page=1&%00=1", access.ParameterUnknown}, {"=1", access.ParameterUnknown},
		{"page=0", access.ParameterInvalid}, {"page=-1", access.ParameterInvalid}, {"page=01", access.ParameterInvalid}, {"page=1.0", access.ParameterInvalid},
		{"page=1e1", access.ParameterInvalid}, {"page=+1", access.ParameterInvalid}, {"page=１", access.ParameterInvalid}, {"page=", access.ParameterInvalid}, {"page=10001", access.ParameterInvalid},
		{"size=51", access.ParameterInvalid}, {"page=1%00", access.ParameterInvalid}, {"page=1%26size=2", access.ParameterInvalid}, {"page=99999999999999999999", access.ParameterInvalid},
		{"page", access.ParameterInvalid}, {"", access.ParameterInvalid}, {"&", access.ParameterInvalid}, {"page=1&", access.ParameterInvalid}, {"page=1;size=2", access.ParameterInvalid},
		{"page=%zz", access.ParameterInvalid}, {"page=%ff", access.ParameterInvalid}, {"size=1&" + strings.Repeat("a", 5000) + "=1", access.ParameterInvalid},
	} {
		add("query "+c.query[:min(len(c.query), 20)], "GET", divisionPath+"?"+c.query, "", 400, c.code)
	}
	for _, division := range []string{"11010", "1101055", "011010", "11010x", "110105.", "-110105"} {
		add("path "+division, "GET", "/v1/divisions/"+division+"/residents", "", 400, access.ParameterInvalid)
	}
	id := d.id
	wrong := id[:17] + map[bool]string{true: "2", false: "1"}[id[17] == '1']
	for _, c := range []struct {
		name, body string
		code       access.Reason
	}{
		{"duplicate", `{"citizen_id":"` + id + `","citizen_id":"` + id + `"}`, access.ParameterDuplicate},
		{"duplicate escaped", `{"citizen_id":"` + id + `","citizen\u005fid":"` + d.nobody + `"}`, access.ParameterDuplicate},
		{"duplicate unknown", `{"x":"1","citizen_id":"` + id + `","x":"1"}`, access.ParameterDuplicate},
		{"missing", `{}`, access.ParameterMissing}, {"other case", `{"Citizen_ID":"` + id + `"}`, access.ParameterMissing}, {"source's name", `{"gmsfhm":"` + id + `"}`, access.ParameterMissing},
		{"unknown", `{"citizen_id":"` + id + `","fields":"photo"}`, access.ParameterUnknown}, {"other case too", `{"citizen_id":"` + id + `","CITIZEN_ID":"` + id + `"}`, access.ParameterUnknown},
		{"wrong check digit", lookupBody(wrong), access.ParameterInvalid}, {"short", lookupBody(id[:17]), access.ParameterInvalid}, {"space", lookupBody(" " + id), access.ParameterInvalid},
		{"wide digits", lookupBody("１" + id[1:]), access.ParameterInvalid}, {"zero byte", lookupBody(id + `\u0000`), access.ParameterInvalid}, {"empty", lookupBody(""), access.ParameterInvalid},
		{"injection", lookupBody(`' OR '1'='1`), access.ParameterInvalid}, {"number", `{"citizen_id":110105190001010011}`, access.ParameterInvalid}, {"true", `{"citizen_id":true}`, access.ParameterInvalid},
		{"null", `{"citizen_id":null}`, access.RequestBodyInvalid}, {"array", `{"citizen_id":["` + id + `"]}`, access.RequestBodyInvalid}, {"object", `{"citizen_id":{"$ne":""}}`, access.RequestBodyInvalid},
		{"not an object", `["` + id + `"]`, access.RequestBodyInvalid}, {"text", `"` + id + `"`, access.RequestBodyInvalid}, {"nothing", "", access.RequestBodyInvalid},
		{"two objects", lookupBody(id) + lookupBody(id), access.RequestBodyInvalid}, {"cut", lookupBody(id)[:20], access.RequestBodyInvalid}, {"comma", `{"citizen_id":"` + id + `",}`, access.RequestBodyInvalid},
		{"byte order mark", "\uFEFF" + lookupBody(id), access.RequestBodyInvalid}, {"comment", "/**/" + lookupBody(id), access.RequestBodyInvalid}, {"not UTF-8", `{"citizen_id":"` + "\xd5\x5c" + `"}`, access.RequestBodyInvalid},
		{"a form", "citizen_id=" + id, access.RequestBodyInvalid}, {"single quotes", `{'citizen_id':'` + id + `'}`, access.RequestBodyInvalid}, {"deep", strings.Repeat("[", 60000), access.RequestBodyInvalid},
	} {
		add("body "+c.name, "POST", lookupPath, c.body, 400, c.code)
	}
	add("body and query", "POST", lookupPath+"?citizen_id="+id, lookupBody(id), 400, access.ParameterUnknown)
	add("query instead of body", "POST", lookupPath+"?citizen_id="+id, "{}", 400, access.ParameterMissing)
	add("search by name alone", "POST", searchPath, `{"name":"王文"}`, 400, access.ParameterMissing)
	add("search by a pattern", "POST", searchPath, `{"name":"王\n%","birth_date":"19000101"}`, 400, access.ParameterInvalid)
	add("search by no date", "POST", searchPath, `{"name":"王文","birth_date":"19000230"}`, 400, access.ParameterInvalid)
	add("body on GET", "GET", divisionPath, lookupBody(id), 400, access.RequestBodyInvalid)
	add("chunked body on GET", "GET", divisionPath, "2\r\n{}\r\n0\r\n\r\n", 400, access.RequestBodyInvalid, "Transfer-Encoding: chunked")
	return rows
}

func (d *desk) typeRows() []refusal {
	var rows []refusal
	add := func(name string, lines ...string) {
		rows = append(rows, refusal{"type/" + name, d.social, "POST", lookupPath, lookupBody(d.id), lines, 415, access.RequestTypeInvalid, ""})
	}
	add("none", "Content-Type:")
	add("empty", "Content-Type: ")
	for _, kind := range []string{"text/plain", "text/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/vnd.x+json", "application/json; charset=gbk",
		"application/json; charset=utf-16", "application/json; charset=utf-8; charset=gbk", "application/json; boundary=x", "application/json, text/plain", "application/xml", "*/*", "application/json;;"} {
		add(kind, "Content-Type: "+kind)
	}
	add("twice", "Content-Type: application/json", "Content-Type: application/json")
	add("gzip", "Content-Encoding: gzip")
	add("identity", "Content-Encoding: identity")
	add("encoding empty", "Content-Encoding: ")
	large := `{"citizen_id":"` + d.id + `"` + strings.Repeat(" ", 64<<10) + `}`
	rows = append(rows,
		refusal{"type/too large", d.social, "POST", lookupPath, large, nil, 413, access.RequestBodyTooLarge, ""},
		refusal{"type/too large in chunks", d.social, "POST", lookupPath, "20000\r\n" + strings.Repeat(" ", 0x20000) + "\r\n0\r\n\r\n", []string{"Transfer-Encoding: chunked"}, 413, access.RequestBodyTooLarge, ""})
	return rows
}

func (d *desk) grantRows() []refusal {
	var rows []refusal
	add := func(name string, who demo.Caller, status int, code access.Reason, lines ...string) {
		rows = append(rows, refusal{"grant/" + name, who, "POST", lookupPath, lookupBody(d.id), lines, status, code, ""})
	}
	under := func(application string) string { return "X-Hukou-Application: " + application }
	add("none named", d.bank, 403, access.ApplicationMissing, "X-Hukou-Application:")
	add("underscores", d.bank, 403, access.ApplicationMissing, "X-Hukou-Application:", "X_Hukou_Application: APP-2026-0003")
	add("unknown", d.bank, 403, access.ApplicationUnknown, under("APP-2099-0001"))
	add("an identity number", d.bank, 403, access.ApplicationUnknown, under(d.id))
	add("another's", d.bank, 403, access.ApplicationUnknown, under("APP-2026-0001"))
	add("another's in place of the default", d.social, 403, access.ApplicationUnknown, under("APP-2026-0003"))
	add("expired", d.bank, 403, access.GrantExpired, under("APP-2024-0007"))
	add("revoked", d.social, 403, access.GrantRevoked, under("APP-T-REVOKED"))
	add("not yet valid", d.social, 403, access.GrantNotYetValid, under("APP-T-EARLY"))
	add("agreement expired", d.social, 403, access.AgreementExpired, under("APP-T-PLEDGE"))
	add("does not fit the rules", d.social, 403, access.GrantInvalid, under("APP-T-MISFIT"))
	for _, text := range []string{"app-2026-0003", "APP 2026", "APP-2026-0003,APP-2026-0001", "../APP-2026-0003", "A", "申请", strings.Repeat("A", 64), `"APP-2026-0003"`, "APP-2026-0003;x"} {
		add("malformed "+strings.ReplaceAll(text, "/", "|"), d.bank, 400, access.HeaderInvalid, under(text))
	}
	add("empty", d.bank, 400, access.HeaderInvalid, "X-Hukou-Application: ")
	add("twice", d.bank, 400, access.HeaderInvalid, under("APP-2026-0003"), under("APP-2026-0003"))
	add("folded", d.bank, 400, access.HeaderInvalid, under("APP-2026-0003\r\n APP-2026-0001"))
	add("twice in another case", d.bank, 400, access.HeaderInvalid, under("APP-2026-0003"), "x-hukou-application: APP-2024-0007")
	add("requests used up", d.social, 429, access.RateExceeded, under("APP-T-RATE"))
	rows = append(rows,
		refusal{"grant/persons used up", d.bank, "POST", lookupPath, lookupBody(d.nobody), []string{under("APP-T-PERSONS")}, 429, access.PersonsExceeded, ""},
		refusal{"grant/route not permitted", d.bank, "POST", searchPath, `{"name":"王文明","birth_date":"18990101"}`, nil, 403, access.NotPermitted, ""},
		refusal{"grant/route not permitted by GET", d.social, http.MethodGet, divisionPath, "", nil, 403, access.NotPermitted, ""})
	return rows
}

func (d *desk) sourceRows() []refusal {
	return []refusal{{"source/silent", d.clerk, "POST", householdPath, `{"household_no":"H1"}`, nil, 504, access.SourceTimeout, ""}}
}
