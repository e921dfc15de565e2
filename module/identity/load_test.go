package identity_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"hukougate/module/access"
	"hukougate/module/identity"
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
	"empty":                    {"", "callers.yaml: the file is empty"},
	"comment only":             {"# nothing\n", "callers.yaml: the file is empty"},
	"null":                     {"~", "callers.yaml:1: the file must be a mapping"},
	"no callers":               {"{}", "callers.yaml:1: callers is missing"},
	"misspelt top":             {"caller: []", `callers.yaml:1: unknown key "caller" in the file; did you mean "callers"?`},
	"not YAML":                 {"callers: [", "line 1"},
	"two documents":            {"callers: []\n---\ncallers: []\n", "something follows"},
	"junk after":               {"callers: []\n...\n]", "something follows"},
	"not UTF-8":                {"callers: [\xff]", "not UTF-8"},
	"too large":                {"#" + strings.Repeat("x", 4<<20), "larger than"},
	"callers no list":          {"callers: {}", "callers.yaml:1: callers must be a list"},
	"caller no mapping":        {"callers:\n- clerk", "callers.yaml:2: a caller must be a mapping"},
	"misspelt key":             {caller("  aip_keys: []"), `callers.yaml:5: unknown key "aip_keys" in a caller; did you mean "api_keys"?`},
	"unlike any key":           {caller("  zzzzzzzzz: 1"), `unknown key "zzzzzzzzz" in a caller; known: id, unit`},
	"key repeated":             {caller("  kind: external"), `callers.yaml:5: key "kind" stands twice`},
	"merge key":                {"callers:\n- &a {id: clerk, unit: u, kind: internal}\n- {<<: *a, id: bank}", "unknown key"},
	"alias":                    {"callers:\n- &a {id: clerk, unit: u, kind: internal}\n- *a", "callers.yaml:3: a caller must be a mapping"},
	"id missing":               {"callers:\n- {unit: u, kind: internal}", "callers.yaml:2: id is missing"},
	"id a number":              {"callers:\n- {id: 2026, unit: u, kind: internal}", "id must be text; put it in quotes"},
	"id short":                 {"callers:\n- {id: a, unit: u, kind: internal}", `id "a" must be 2 to 63`},
	"id upper case":            {"callers:\n- {id: Clerk, unit: u, kind: internal}", `id "Clerk" must be`},
	"id starts with dash":      {"callers:\n- {id: -clerk, unit: u, kind: internal}", "must be"},
	"id with line break":       {"callers:\n- {id: \"clerk\\n\", unit: u, kind: internal}", "must be"},
	"id twice":                 {caller(strings.Replace(second, "bank", "clerk", 1)), `callers.yaml:5: this id stands twice: line 2 (caller "clerk")`},
	"unit missing":             {"callers:\n- {id: clerk, kind: internal}", "unit is missing"},
	"unit with line break":     {"callers:\n- {id: clerk, unit: \"a\\nb\", kind: internal}", "printable"},
	"unit with bidi override":  {"callers:\n- {id: clerk, unit: \"a\\u202eb\", kind: internal}", "printable"},
	"unit empty":               {"callers:\n- {id: clerk, unit: \"\", kind: internal}", "unit is empty"},
	"kind missing":             {"callers:\n- {id: clerk, unit: u}", "kind is missing"},
	"kind misspelt":            {"callers:\n- {id: clerk, unit: u, kind: intern}", `unknown kind "intern"; did you mean "internal"?`},
	"kind null":                {"callers:\n- {id: clerk, unit: u, kind: }", "kind must be text"},
	"application lower case":   {caller("  default_application: app-1"), `default_application "app-1"`},
	"application null":         {caller("  default_application:"), "default_application must be text"},
	"keys null":                {caller("  api_keys:"), "callers.yaml:5: api_keys must be a list"},
	"key misspelt":             {caller("  api_keys: [{id: k, peper: 1, hash: " + hexA + "}]"), `unknown key "peper" in an API key; did you mean "pepper"?`},
	"key id wrong":             {caller("  api_keys: [{id: a_b, pepper: 1, hash: " + hexA + "}]"), `"a_b"`},
	"key id missing":           {caller("  api_keys: [{pepper: 1, hash: " + hexA + "}]"), "id of an API key is missing"},
	"pepper missing":           {caller("  api_keys: [{id: k, hash: " + hexA + "}]"), "pepper is missing"},
	"pepper zero":              {caller("  api_keys: [{id: k, pepper: 0, hash: " + hexA + "}]"), "pepper must be a key version"},
	"pepper octal":             {caller("  api_keys: [{id: k, pepper: 01, hash: " + hexA + "}]"), "pepper must be a key version"},
	"pepper word":              {caller("  api_keys: [{id: k, pepper: one, hash: " + hexA + "}]"), "pepper must be a key version"},
	"hash missing":             {caller("  api_keys: [{id: k, pepper: 1}]"), "hash is missing"},
	"hash short":               {caller("  api_keys: [{id: k, pepper: 1, hash: " + hexA[1:] + "}]"), "callers.yaml:5: hash must be 64 hexadecimal digits"},
	"hash not hex":             {caller("  api_keys: [{id: k, pepper: 1, hash: " + hexA[1:] + "g}]"), "hash must be 64"},
	"hash a mapping":           {caller("  api_keys: [{id: k, pepper: 1, hash: {}}]"), "hash must be a single value"},
	"key id twice":             {caller("  api_keys: [{id: k, pepper: 1, hash: " + hexA + "}]\n" + second + "  api_keys: [{id: k, pepper: 1, hash: " + hexB + "}]"), `callers.yaml:9: this API key id stands twice: line 5 (caller "clerk")`},
	"certificate empty":        {caller("  client_certificates: [{}]"), "exactly one of sha256, dns, uri"},
	"certificate with two":     {caller("  client_certificates: [{sha256: " + hexA + ", dns: a.example}]"), "exactly one of"},
	"certificate short":        {caller("  client_certificates: [{sha256: aa}]"), "sha256 must be 64"},
	"certificate CN":           {caller("  client_certificates: [{cn: clerk}]"), "unknown key"},
	"certificate twice":        {caller("  client_certificates: [{sha256: " + hexA + "}]\n" + second + "  client_certificates: [{sha256: " + strings.ToUpper(hexA) + "}]"), "this certificate stands twice"},
	"wildcard":                 {caller("  client_certificates: [{dns: \"*.example\"}]"), "without wildcard"},
	"DNS upper case":           {caller("  client_certificates: [{dns: A.example}]"), "lower case"},
	"DNS twice":                {caller("  client_certificates: [{dns: a.example}]\n" + second + "  client_certificates: [{dns: a.example}]"), "this DNS name stands twice"},
	"URI relative":             {caller("  client_certificates: [{uri: /clerk}]"), "absolute URI"},
	"URI without host":         {caller("  client_certificates: [{uri: \"spiffe:///a\"}]"), "absolute URI"},
	"URI twice":                {caller("  client_certificates: [{uri: spiffe://a/b}]\n" + second + "  client_certificates: [{uri: spiffe://a/b}]"), "this URI stands twice"},
	"token without subject":    {caller("  tokens: [{issuer: https://a}]"), "subject is missing"},
	"token subject a number":   {caller("  tokens: [{issuer: https://a, subject: 12}]"), "subject must be text"},
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
			var p *identity.Problem
			if !errors.As(err, &p) || p.File != "callers.yaml" {
				t.Errorf("%T is no Problem", err)
			}
		})
	}
}

func TestLoadDirectoryTellsAllInOrderAndShowsNoSecret(t *testing.T) {
	pasted := "hk_ss1_" + strings.Repeat("q", 32)
	_, err := identity.LoadDirectory("callers.yaml", []byte(caller(
		"  api_keys: [{id: k, pepper: 1, hash: "+pasted+"}, {id: "+pasted+", pepper: 1, hash: "+hexA+"}]\n"+
			"  "+pasted+": x\n  tokens: [{issuer: https://a, subject: 张三李四\n }, {issuer: https://a, subject: 张三李四}]\n- {id: bank}\n")))
	if err == nil {
		t.Fatal("accepted")
	}
	text := err.Error()
	for _, secret := range []string{pasted, "张三李四"} {
		if strings.Contains(text, secret) {
			t.Errorf("the error shows %s:\n%s", secret, text)
		}
	}
	lines := strings.Split(text, "\n")
	if len(lines) != 6 {
		t.Fatalf("%d faults:\n%s", len(lines), text)
	}
	for i, prefix := range []string{"callers.yaml:5:", "callers.yaml:5:", "callers.yaml:6:", "callers.yaml:8:", "callers.yaml:9:", "callers.yaml:9:"} {
		if !strings.HasPrefix(lines[i], prefix) {
			t.Errorf("fault %d: %s", i, lines[i])
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
