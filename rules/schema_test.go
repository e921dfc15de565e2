package shipped

import (
	"bytes"
	"io/fs"
	"path"
	"strings"
	"testing"
	"testing/fstest"
	"unicode"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"hukougate/module/identity"
	"hukougate/module/policy"
	"hukougate/module/rules"
)

func schema(t *testing.T, name string) *jsonschema.Schema {
	t.Helper()
	f, err := FS.Open("schema/" + name + ".schema.json")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	doc, err := jsonschema.UnmarshalJSON(f)
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource(name, doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile(name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// validate reads YAML as an editor does and holds it against a schema.
func validate(t *testing.T, s *jsonschema.Schema, data []byte) error {
	t.Helper()
	var doc any
	if err := yaml.Unmarshal(data, &doc); err != nil {
		t.Fatal(err)
	}
	return s.Validate(doc)
}

func schemaOf(name string) string {
	if strings.HasPrefix(name, "tests/") {
		return "tests"
	}
	return strings.TrimSuffix(name, ".yaml")
}

func TestShippedFilesFitTheirSchemas(t *testing.T) {
	for name, f := range files(t) {
		if path.Ext(name) != ".yaml" {
			continue
		}
		if err := validate(t, schema(t, schemaOf(name)), f.Data); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Schema and loader must refuse the same mistakes, or an editor would bless
// what the gate rejects.
func TestSchemasAndLoaderRefuseTheSameMistakes(t *testing.T) {
	for _, tc := range []struct{ what, file, old, new string }{
		{"unknown key", "bundle.yaml", "timezone:", "time_zone:"},
		{"wrong type, number", "bundle.yaml", "version: 1", "version: one"},
		{"number too small", "bundle.yaml", "version: 1", "version: 0"},
		{"wrong form of an id", "bundle.yaml", "hukougate-default", "Hukou Gate"},
		{"wrong enum, level", "catalogue.yaml", "level: high", "level: hihg"},
		{"wrong type, list", "catalogue.yaml", "aliases: [XM]", "aliases: XM"},
		{"missing key, level", "catalogue.yaml", "    level: high\n", ""},
		{"empty alias", "catalogue.yaml", "aliases: [XM]", `aliases: [""]`},
		{"unknown key, alias", "catalogue.yaml", "aliases: [XM]", "alias: [XM]"},
		{"missing title", "purposes.yaml", "    title: {zh: 政审, en: Political review}\n", ""},
		{"missing language", "purposes.yaml", "{zh: 政审, en: Political review}", "{zh: 政审}"},
		{"null", "purposes.yaml", "departments: [律师事务所]", "departments:"},
		{"wrong enum, kind", "roles.yaml", "kind: internal", "kind: inside"},
		{"zero limit", "limits.yaml", "burst: 60", "burst: 0"},
		{"wrong type, limit", "limits.yaml", "burst: 60", "burst: many"},
		{"missing limit", "limits.yaml", ", persons_per_day: 5}", "}"},
		{"unknown transform", "scopes.yaml", "birth_date: year", "birth_date: years"},
		{"transform that keeps nothing", "scopes.yaml", "keep 1+2", "keep 0+0"},
		{"wrong type, boolean", "scopes.yaml", "named_items: true", "named_items: please"},
		{"unknown key, scope", "scopes.yaml", "named_items: true", "named_item: true"},
		{"wrong enum, method", "resources.yaml", "method: POST #", "method: PUT #"},
		{"wrong enum, parameter type", "resources.yaml", "type: division", "type: county"},
		{"person in a URL", "resources.yaml", "{name: citizen_id, in: body", "{name: citizen_id, in: query"},
		{"text without bounds", "resources.yaml", ", min: 2, max: 50", ""},
		{"text too long", "resources.yaml", "max: 50, send: {in: body", "max: 500, send: {in: body"},
		{"answer too large", "resources.yaml", "max_bytes: 1048576", "max_bytes: 1048577"},
		{"wrong media type", "resources.yaml", "media_type: application/json", "media_type: text/xml"},
		{"open token", "resources.yaml", "{at: /code, type: integer, max: 9999}", "{at: /code, type: token}"},
		{"token in Chinese", "resources.yaml", "{at: /code, type: integer, max: 9999}", "{at: /code, type: token, allowed: [成功]}"},
		{"words for an integer", "resources.yaml", "{at: /code, type: integer, max: 9999}", "{at: /code, type: integer, allowed: [a]}"},
		{"bound for a token", "resources.yaml", "{at: /code, type: integer, max: 9999}", "{at: /code, type: token, max: 9999, allowed: [ok]}"},
		{"bound of zero", "resources.yaml", "{at: /code, type: integer, max: 9999}", "{at: /code, type: integer, max: 0}"},
		{"alias that is a path", "catalogue.yaml", "aliases: [XM]", "aliases: [JBXX/XM]"},
		{"path with a query", "resources.yaml", "path: /v1/residents/search", "path: /v1/residents/search?x=1"},
		{"no time limit", "resources.yaml", "timeout: 10s", "timeout: 0s"},
	} {
		t.Run(tc.what, func(t *testing.T) {
			m := files(t)
			wrong := bytes.Replace(m[tc.file].Data, []byte(tc.old), []byte(tc.new), 1)
			if bytes.Equal(wrong, m[tc.file].Data) {
				t.Fatalf("%s holds no %q", tc.file, tc.old)
			}
			m[tc.file] = &fstest.MapFile{Data: wrong}
			if validate(t, schema(t, schemaOf(tc.file)), wrong) == nil {
				t.Error("the schema accepts it")
			}
			if _, err := rules.Load(m); err == nil {
				t.Error("the loader accepts it")
			} else if !strings.Contains(err.Error(), tc.file) {
				t.Errorf("the loader's message does not name %s: %v", tc.file, err)
			}
		})
	}
}

func TestTestsSchemaRefuses(t *testing.T) {
	s := schema(t, "tests")
	data, err := fs.ReadFile(FS, "tests/bank-kyc.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct{ old, new string }{
		{"expect: allow", "expect: allowed"},
		{"expect: not_permitted", "expect: not_permitted\n    releases: {name: clear}"},
		{"    caller: partner-bank\n    application", "    application"},
		{"kind: external", "kind: outside"},
		{"+08:00\"\n    expect", "\"\n    expect"},
		{"2026-06-01T", "2026-06-31T"},
		{"    resources: [resident]\n", "    resources: [resident]\n    revokes: true\n"},
		{"withholds", "withheld"},
		{"shows:", "show:"},
		{"TEST-BANK-1\n    caller", "test bank\n    caller"},
	} {
		wrong := strings.Replace(string(data), tc.old, tc.new, 1)
		if wrong == string(data) || validate(t, s, []byte(wrong)) == nil {
			t.Errorf("%q for %q is accepted, or not in the file", tc.new, tc.old)
		}
	}
}

const grantText = `application: A-2026-0001
revision: 1
caller: partner-bank
unit: "测试银行"
role: partner_bank
purpose: customer_due_diligence
legal_basis: "《中华人民共和国反洗钱法》"
scope: bank-kyc
resources: [resident]
fields: [name, citizen_id]
not_before: "2026-01-01T00:00:00+08:00"
not_after: "2027-01-01T00:00:00+08:00"
agreement_until: "2027-01-01T00:00:00+08:00"
budget: {requests_per_minute: 30, persons_per_day: 10}
revoked: false
`

const callersText = `callers:
  - id: partner-bank
    unit: 测试银行
    kind: external
    default_application: A-2026-0001
    api_keys:
      - {id: key-1, pepper: 1, hash: "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}
    client_certificates:
      - {dns: gate.bank.example}
      - {uri: "spiffe://bank.example/kyc"}
    tokens:
      - {issuer: "https://login.bank.example", subject: kyc}
`

// The schemas of the two files beside the bundle are held to the code that reads them.
func TestGrantAndCallersSchemas(t *testing.T) {
	grant := func(data []byte) error { _, err := policy.ParseGrant("grant.yaml", data); return err }
	callers := func(data []byte) error { _, err := identity.LoadDirectory("callers.yaml", data); return err }
	for _, tc := range []struct {
		schema, text, old, new string
		read                   func([]byte) error
		ok                     bool
	}{
		{"grant", grantText, "", "", grant, true},
		{"grant", grantText, "fields: [name, citizen_id]\n", "", grant, true},
		{"grant", grantText, "revision: 1\n", "", grant, false},
		{"grant", grantText, "revision: 1", "revision: 0", grant, false},
		{"grant", grantText, "revision: 1", "revision: 1000000001", grant, false},
		{"grant", grantText, `"测试银行"`, "|\n  测试\n  银行", grant, false},
		{"grant", grantText, `"测试银行"`, `""`, grant, false},
		{"grant", grantText, `"《中华人民共和国反洗钱法》"`, "|\n  反洗钱法\n  第二十九条", grant, false},
		{"grant", grantText, `"《中华人民共和国反洗钱法》"`, `"a\u202eb"`, grant, false},
		{"grant", grantText, `"《中华人民共和国反洗钱法》"`, `"` + strings.Repeat("法", 251) + `"`, grant, false},
		{"grant", grantText, `"《中华人民共和国反洗钱法》"`, `"` + strings.Repeat("法", 250) + `"`, grant, true},
		{"grant", grantText, "scope: bank-kyc", "scope: Bank", grant, false},
		{"grant", grantText, "[name, citizen_id]", "[name, 姓名]", grant, false},
		{"grant", grantText, "A-2026-0001", "a 2026", grant, false},
		{"grant", grantText, "agreement_until", "agreement", grant, false},
		{"grant", grantText, `"2026-01-01T00:00:00+08:00"`, `"2026-01-01"`, grant, false},
		{"grant", grantText, "[resident]", "[]", grant, false},
		{"grant", grantText, "persons_per_day: 10", "persons_per_day: -1", grant, false},
		{"grant", grantText, "partner-bank", "Partner Bank", grant, false},
		{"callers", callersText, "", "", callers, true},
		{"callers", callersText, "kind: external", "kind: outside", callers, false},
		{"callers", callersText, "unit: 测试银行\n    ", "", callers, false},
		{"callers", callersText, "pepper: 1", "pepper: 0", callers, false},
		{"callers", callersText, "aaaa\"", "aaa\"", callers, false},
		{"callers", callersText, "{dns: gate.bank.example}", "{dns: \"*.bank.example\"}", callers, false},
		{"callers", callersText, "{dns: gate.bank.example}", "{dns: gate.bank.example, uri: \"a://b\"}", callers, false},
		{"callers", callersText, "subject: kyc", "sub: kyc", callers, false},
		{"callers", callersText, "id: partner-bank", "id: partner_bank", callers, false},
	} {
		text := []byte(strings.Replace(tc.text, tc.old, tc.new, 1))
		if err := validate(t, schema(t, tc.schema), text); (err == nil) != tc.ok {
			t.Errorf("%s, %q for %q: the schema says %v", tc.schema, tc.new, tc.old, err)
		}
		if err := tc.read(text); (err == nil) != tc.ok {
			t.Errorf("%s, %q for %q: the code says %v", tc.schema, tc.new, tc.old, err)
		}
	}
}

// Editors show the descriptions: each key has one, in both languages, and no
// object takes a key it does not know.
func TestSchemasDescribeEveryKey(t *testing.T) {
	names, err := fs.Glob(FS, "schema/*.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	if len(names) != 10 {
		t.Errorf("%d schemas, want 10", len(names))
	}
	for _, name := range names {
		data, err := fs.ReadFile(FS, name)
		if err != nil {
			t.Fatal(err)
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		root := doc.(map[string]any)
		if root["$schema"] != "https://json-schema.org/draft/2020-12/schema" {
			t.Errorf("%s is not draft 2020-12", name)
		}
		describe(t, name, root)
	}
}

func describe(t *testing.T, at string, s map[string]any) {
	if _, ref := s["$ref"]; !ref {
		text, _ := s["description"].(string)
		chinese, english, _ := strings.Cut(text, " · ")
		if !strings.ContainsFunc(chinese, func(r rune) bool { return unicode.Is(unicode.Han, r) }) || english == "" {
			t.Errorf("%s: description %q is not Chinese · English", at, text)
		}
	}
	if s["type"] == "object" && s["additionalProperties"] == nil {
		t.Errorf("%s takes unknown keys", at)
	}
	for _, group := range []string{"properties", "$defs"} {
		keys, _ := s[group].(map[string]any)
		for key, sub := range keys {
			describe(t, at+"/"+key, sub.(map[string]any))
		}
	}
	if items, ok := s["items"].(map[string]any); ok {
		describe(t, at+"[]", items)
	}
}
