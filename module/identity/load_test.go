package identity_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"hukougate/module/access"
	"hukougate/module/identity"
	"hukougate/module/strictyaml"
)

var (
	hexA = strings.Repeat("a", 64)
	hexB = strings.Repeat("0", 64) // digits only: YAML takes it for a number
)

func ExampleLoadDirectory() {
	d, err := identity.LoadDirectory("callers.yaml", []byte(`
callers:
  - id: social-security
    unit: 示例市人力资源和社会保障局
    kind: internal
    default_application: APP-2026-0002
    api_keys:
      - {id: ss1, pepper: 1, hash: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08}
    client_certificates:
      - {sha256: 2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae}
      - {dns: ss.gov.example}
      - {uri: spiffe://gov.example/ss}
    tokens:
      - {issuer: https://id.gov.example, subject: social-security}
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, c := range d.Callers() {
		fmt.Println(c.ID, c.Unit, c.Kind, c.DefaultApplication)
	}
	// Output: social-security 示例市人力资源和社会保障局 internal APP-2026-0002
}

func TestLoadDirectory(t *testing.T) {
	d := mustLoad(t, `callers:
- id: clerk
  unit: 派出所
  kind: internal
  api_keys:
  - {id: k1, pepper: 3, hash: `+hexB+`}
  tokens:
  - {issuer: "https://id.example", subject: "clerk"}
- id: bank
  unit: 示例银行
  kind: external
  tokens:
  - {issuer: "https://id.example", subject: "bank"}
`)
	if c, ok := d.Caller("bank"); !ok || c.Kind != access.External || c.Proofs != nil {
		t.Errorf("%+v %v", c, ok)
	}
	for _, s := range []struct{ issuer, subject, id string }{
		{"https://id.example", "clerk", "clerk"},
		{"https://id.example", "bank", "bank"},
		{"https://id.example/", "bank", ""},
		{"https://id.example", "Bank", ""},
		{"", "", ""},
	} {
		if id, ok := d.CallerByToken(s.issuer, s.subject); id != s.id || ok != (s.id != "") {
			t.Errorf("%v: %q %v", s, id, ok)
		}
	}
	if none := mustLoad(t, "callers: []"); len(none.Callers()) != 0 {
		t.Error("an empty list knows somebody")
	}
	for _, nobody := range []*identity.Directory{nil, {}} {
		if _, ok := nobody.Caller("clerk"); ok || nobody.Callers() != nil || nobody.CallersByCertificate(nil) != nil {
			t.Error("the zero directory knows somebody")
		}
	}
}

func caller(rest string) string {
	return "callers:\n- id: clerk\n  unit: 派出所\n  kind: internal\n" + rest
}

const second = "- id: bank\n  unit: 示例银行\n  kind: external\n"

// loadFaults are files that must be refused, and what the error must say.
var loadFaults = map[string]struct{ text, want string }{
	"empty":                    {"", "callers.yaml: empty"},
	"comment only":             {"# nothing\n", "callers.yaml: empty"},
	"null":                     {"~", "callers.yaml:1:1: wants keys with values"},
	"no callers":               {"{}", `callers.yaml:1:1: "callers" is missing`},
	"misspelt top":             {"caller: []", `callers.yaml:1:1: unknown word "caller"; did you mean "callers"?`},
	"not YAML":                 {"callers: [", "callers.yaml:1: "},
	"two documents":            {"callers: []\n---\ncallers: []\n", "callers.yaml:2: holds a second document"},
	"junk after":               {"callers: []\n...\n]", "second document"},
	"not UTF-8":                {"callers: [\xff]", "not valid UTF-8"},
	"too large":                {"#" + strings.Repeat("x", 4<<20), "larger than"},
	"callers no list":          {"callers: {}", "callers.yaml:1:10: wants a list"},
	"caller no mapping":        {"callers:\n- clerk", "callers.yaml:2:3: wants keys with values"},
	"misspelt key":             {caller("  aip_keys: []"), `callers.yaml:5:3: unknown word "aip_keys"; did you mean "api_keys"?`},
	"unlike any key":           {caller("  zzzzzzzzz: 1"), `callers.yaml:5:3: unknown word "zzzzzzzzz"; known: id, unit, kind,`},
	"key repeated":             {caller("  kind: external"), `callers.yaml:5:3: "kind" stands twice`},
	"merge key":                {"callers:\n- &a {id: clerk, unit: u, kind: internal}\n- {<<: *a, id: bank}", "callers.yaml:3:4: wants a plain word as key"},
	"anchor":                   {"callers:\n- &a {id: clerk, unit: u, kind: internal}", "callers.yaml:2:3: anchors and aliases are not used"},
	"alias":                    {"callers:\n- &a {id: clerk, unit: u, kind: internal}\n- *a", "callers.yaml:3:3: anchors and aliases are not used"},
	"id missing":               {"callers:\n- {unit: u, kind: internal}", `callers.yaml:2:3: "id" is missing`},
	"id a number":              {"callers:\n- {id: 2026, unit: u, kind: internal}", "callers.yaml:2:8: wants text; put it in quotes"},
	"id short":                 {"callers:\n- {id: a, unit: u, kind: internal}", `callers.yaml:2:8: id "a" must be 2 to 63`},
	"id upper case":            {"callers:\n- {id: Clerk, unit: u, kind: internal}", `id "Clerk" must be`},
	"id starts with dash":      {"callers:\n- {id: -clerk, unit: u, kind: internal}", "must be"},
	"id with line break":       {"callers:\n- {id: \"clerk\\n\", unit: u, kind: internal}", "must be"},
	"id twice":                 {caller(strings.Replace(second, "bank", "clerk", 1)), `callers.yaml:5:7: this id stands twice: line 2 (caller "clerk")`},
	"unit missing":             {"callers:\n- {id: clerk, kind: internal}", `"unit" is missing`},
	"unit with line break":     {"callers:\n- {id: clerk, unit: \"a\\nb\", kind: internal}", "printable"},
	"unit with bidi override":  {"callers:\n- {id: clerk, unit: \"a\\u202eb\", kind: internal}", "printable"},
	"unit empty":               {"callers:\n- {id: clerk, unit: \"\", kind: internal}", "callers.yaml:2:21: unit must be 1 to"},
	"kind missing":             {"callers:\n- {id: clerk, unit: u}", `"kind" is missing`},
	"kind misspelt":            {"callers:\n- {id: clerk, unit: u, kind: intern}", `callers.yaml:2:30: kind "intern" is neither internal nor external; did you mean "internal"?`},
	"kind null":                {"callers:\n- {id: clerk, unit: u, kind: }", "callers.yaml:2:30: wants a word"},
	"kind a truth value":       {"callers:\n- {id: clerk, unit: u, kind: true}", "callers.yaml:2:30: wants text"},
	"kind unlike any":          {"callers:\n- {id: clerk, unit: u, kind: zzz}", `kind "zzz" is neither internal nor external`},
	"unit a date":              {"callers:\n- {id: clerk, unit: 2026-01-01, kind: internal}", "callers.yaml:2:21: wants text"},
	"application lower case":   {caller("  default_application: app-1"), `default_application "app-1"`},
	"application null":         {caller("  default_application:"), "wants a word"},
	"application empty":        {caller("  default_application: \"\""), `default_application "" must be`},
	"application a date":       {caller("  default_application: 2026-01-01"), "wants text"},
	"keys null":                {caller("  api_keys:"), "callers.yaml:5:12: wants a list"},
	"key misspelt":             {caller("  api_keys: [{id: k, peper: 1, hash: " + hexA + "}]"), `unknown word "peper"; did you mean "pepper"?`},
	"key id wrong":             {caller("  api_keys: [{id: a_b, pepper: 1, hash: " + hexA + "}]"), `"a_b"`},
	"key id missing":           {caller("  api_keys: [{pepper: 1, hash: " + hexA + "}]"), `"id" is missing`},
	"key id a number":          {caller("  api_keys: [{id: 12, pepper: 1, hash: " + hexA + "}]"), "callers.yaml:5:19: wants text"},
	"pepper missing":           {caller("  api_keys: [{id: k, hash: " + hexA + "}]"), `"pepper" is missing`},
	"pepper zero":              {caller("  api_keys: [{id: k, pepper: 0, hash: " + hexA + "}]"), "pepper must be a key version"},
	"pepper octal":             {caller("  api_keys: [{id: k, pepper: 01, hash: " + hexA + "}]"), "pepper must be a key version"},
	"pepper word":              {caller("  api_keys: [{id: k, pepper: one, hash: " + hexA + "}]"), "pepper must be a key version"},
	"hash missing":             {caller("  api_keys: [{id: k, pepper: 1}]"), `"hash" is missing`},
	"hash short":               {caller("  api_keys: [{id: k, pepper: 1, hash: " + hexA[1:] + "}]"), "callers.yaml:5:39: hash must be 64 hexadecimal digits"},
	"hash not hex":             {caller("  api_keys: [{id: k, pepper: 1, hash: " + hexA[1:] + "g}]"), "hash must be 64"},
	"hash a mapping":           {caller("  api_keys: [{id: k, pepper: 1, hash: {}}]"), "callers.yaml:5:39: wants a word"},
	"key id twice":             {caller("  api_keys: [{id: k, pepper: 1, hash: " + hexA + "}]\n" + second + "  api_keys: [{id: k, pepper: 1, hash: " + hexB + "}]"), `callers.yaml:9:19: this API key id stands twice: line 5 (caller "clerk")`},
	"certificate empty":        {caller("  client_certificates: [{}]"), "exactly one of sha256, dns, uri"},
	"certificate with two":     {caller("  client_certificates: [{sha256: " + hexA + ", dns: a.example}]"), "exactly one of"},
	"certificate short":        {caller("  client_certificates: [{sha256: aa}]"), "sha256 must be 64"},
	"certificate CN":           {caller("  client_certificates: [{cn: clerk}]"), `unknown word "cn"; known: sha256, dns, uri`},
	"certificate twice":        {caller("  client_certificates: [{sha256: " + hexA + "}]\n" + second + "  client_certificates: [{sha256: " + strings.ToUpper(hexA) + "}]"), "this certificate stands twice"},
	"wildcard":                 {caller("  client_certificates: [{dns: \"*.example\"}]"), "without wildcard"},
	"DNS upper case":           {caller("  client_certificates: [{dns: A.example}]"), "lower case"},
	"DNS twice":                {caller("  client_certificates: [{dns: a.example}]\n" + second + "  client_certificates: [{dns: a.example}]"), "this DNS name stands twice"},
	"URI relative":             {caller("  client_certificates: [{uri: /clerk}]"), "absolute URI"},
	"URI without host":         {caller("  client_certificates: [{uri: \"spiffe:///a\"}]"), "absolute URI"},
	"URI twice":                {caller("  client_certificates: [{uri: spiffe://a/b}]\n" + second + "  client_certificates: [{uri: spiffe://a/b}]"), "this URI stands twice"},
	"token without subject":    {caller("  tokens: [{issuer: https://a}]"), `"subject" is missing`},
	"token subject a number":   {caller("  tokens: [{issuer: https://a, subject: 12}]"), "callers.yaml:5:41: wants text"},
	"token issuer a number":    {caller("  tokens: [{issuer: 12, subject: s}]"), "callers.yaml:5:21: wants text"},
	"certificate DNS a number": {caller("  client_certificates: [{dns: 12}]"), "wants text"},
	"certificate URI a number": {caller("  client_certificates: [{uri: 12}]"), "wants text"},
	"token issuer line break":  {caller("  tokens: [{issuer: \"https://a\\n\", subject: s}]"), "issuer must be"},
	"token subject replaced":   {caller("  tokens: [{issuer: https://a, subject: \"\\ufffd\"}]"), "subject must be"},
	"token twice":              {caller("  tokens: [{issuer: https://a, subject: s}]\n" + second + "  tokens: [{issuer: https://a, subject: s}]"), "this issuer and subject stands twice"},
	"token twice, same caller": {caller("  tokens: [{issuer: https://a, subject: s}, {issuer: https://a, subject: s}]"), "stands twice"},
}

func TestLoadDirectoryRefuses(t *testing.T) {
	for name, c := range loadFaults {
		t.Run(name, func(t *testing.T) {
			d, err := identity.LoadDirectory("callers.yaml", []byte(c.text))
			if err == nil || d != nil {
				t.Fatal("accepted")
			}
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v\nwants %q", err, c.want)
			}
			var ps strictyaml.Problems
			if !errors.As(err, &ps) || ps[0].File != "callers.yaml" {
				t.Errorf("%T holds no Problems", err)
			}
		})
	}
}

func TestLoadDirectoryTellsAllInOrderAndShowsNoSecret(t *testing.T) {
	pasted := "hk_ss1_" + strings.Repeat("q", 32)
	key := func(id, hash string) string { return "{id: " + id + ", pepper: 1, hash: " + hash + "}" }
	token := "{issuer: https://a, subject: 张三李四}"
	for name, c := range map[string]struct {
		text  string
		lines []string
	}{
		"shape": {
			caller("  api_keys: [{id: k, peper: 1, hash: " + hexA + "}]\n  " + pasted + ": x\n- {id: bank}\n"),
			[]string{"5:14", "5:22", "6:3", "7:3", "7:3"},
		},
		"content": {
			caller("  tokens: ["+token+",\n    "+token+"]\n  api_keys: ["+key("k", pasted)+", "+key(pasted, hexA)+"]\n") +
				"- {kind: 张三李四, unit: \" 张三李四\", id: 张三李四}\n",
			[]string{"6:14", "7:39", "7:86", "8:10", "8:22", "8:35"},
		},
	} {
		_, err := identity.LoadDirectory("callers.yaml", []byte(c.text))
		if err == nil {
			t.Errorf("%s: accepted", name)
			continue
		}
		text := err.Error()
		for _, secret := range []string{pasted, "张三李四"} {
			if strings.Contains(text, secret) {
				t.Errorf("%s: the error shows %s:\n%s", name, secret, text)
			}
		}
		lines := strings.Split(text, "\n")
		if len(lines) != len(c.lines) {
			t.Errorf("%s: %d faults:\n%s", name, len(lines), text)
			continue
		}
		for i, at := range c.lines {
			if !strings.HasPrefix(lines[i], "callers.yaml:"+at+": ") {
				t.Errorf("%s: fault %d is not at %s: %s", name, i, at, lines[i])
			}
		}
	}
}

func FuzzLoadDirectory(f *testing.F) {
	f.Add([]byte(caller("  api_keys: [{id: k, pepper: 1, hash: " + hexA + "}]")))
	f.Add([]byte("callers:\n- &a {id: clerk, unit: u, kind: internal}\n- *a"))
	f.Add([]byte("callers: [{<<: {}}]\n---\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := identity.LoadDirectory("f", data)
		if (d == nil) == (err == nil) {
			t.Fatal("neither or both of directory and error")
		}
		for _, c := range d.Callers() {
			if known, ok := d.Caller(c.ID); !ok || known.ID != c.ID || c.Unit == "" || (c.Kind != access.Internal && c.Kind != access.External) {
				t.Errorf("half a caller: %+v", c)
			}
		}
	})
}
