package gateway

import (
	"crypto/ed25519"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	_ "github.com/caddyserver/caddy/v2/modules/caddyhttp/standard"

	"hukougate/module/keys"
	"hukougate/module/policy"
)

const wholeSite = `{
	admin off
	persist_config off
	log {
		output discard
	}
	hukou {
		gateway test
		rules DIR/rules
		grants DIR/grants {
			trust DIR/trust.pub
		}
		callers DIR/callers.yaml
		ledger DIR/ledger
		keys file DIR/keys.json
		quota memory
		identity api_key
		source store {
			reverse_proxy localhost:9
		}
	}
}

http://localhost:8080 {
	hukou_gate
}
`

// writeSite makes a folder with all that wholeSite names.
func writeSite(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, sub := range []string{"rules", "grants"} {
		if err := os.Mkdir(filepath.Join(dir, sub), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	files := map[string]string{"callers.yaml": "callers:\n  - id: desk\n    unit: 示例馆\n    kind: internal\n    tokens:\n      - {issuer: https://login.example, subject: desk}\n"}
	for name, text := range library {
		files["rules/"+name] = text
	}
	model, err := os.ReadFile("../../rules/model.conf")
	if err != nil {
		t.Fatal(err)
	}
	files["rules/model.conf"] = string(model)
	public, _, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	trust, err := policy.EncodePublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	files["trust.pub"] = string(trust)
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := keys.CreateFile(filepath.Join(dir, "keys.json")); err != nil {
		t.Fatal(err)
	}
	return dir
}

// validate does what `hukougate validate` does.
func validate(t *testing.T, caddyfile string, edit func(json.RawMessage) json.RawMessage) error {
	t.Helper()
	raw, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(caddyfile), map[string]any{"filename": "Caddyfile"})
	if err != nil {
		t.Fatalf("%v\n%s", err, caddyfile)
	}
	if edit != nil {
		raw = edit(raw)
	}
	config := new(caddy.Config)
	if err := json.Unmarshal(raw, config); err != nil {
		t.Fatal(err)
	}
	return caddy.Validate(config)
}

func TestWholeSiteIsAccepted(t *testing.T) {
	dir := writeSite(t)
	if err := validate(t, strings.ReplaceAll(wholeSite, "DIR", dir), nil); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "ledger")); err == nil {
		t.Error("validating opened the ledger")
	}
}

var configurations = map[string]struct{ old, replacement, want string }{
	"no rules":               {"\t\trules DIR/rules\n", "", `the configuration lacks "rules DIR`},
	"no grants":              {"\t\tgrants DIR/grants {\n\t\t\ttrust DIR/trust.pub\n\t\t}\n", "", `the configuration lacks "grants DIR`},
	"grants without trust":   {"\t\t\ttrust DIR/trust.pub\n", "", `the configuration lacks "grants DIR`},
	"no callers":             {"\t\tcallers DIR/callers.yaml\n", "", `the configuration lacks "callers FILE`},
	"no ledger":              {"\t\tledger DIR/ledger\n", "", `the configuration lacks "ledger DIR`},
	"no keys":                {"\t\tkeys file DIR/keys.json\n", "", `the configuration lacks "keys file PATH`},
	"no quota":               {"\t\tquota memory\n", "", `the configuration lacks "quota memory`},
	"no identity":            {"\t\tidentity api_key\n", "", `the configuration lacks "identity api_key`},
	"no source":              {"\t\tsource store {\n\t\t\treverse_proxy localhost:9\n\t\t}\n", "", `the configuration lacks "source NAME`},
	"another source":         {"source store", "source stroe", `resource "book" of the rules needs a source named "store"; add: source store { reverse_proxy`},
	"retries":                {"reverse_proxy localhost:9", "reverse_proxy localhost:9 {\n\t\t\t\tlb_retries 2\n\t\t\t}", "source store: retries would ask the source more often than is recorded"},
	"tries for a while":      {"reverse_proxy localhost:9", "reverse_proxy localhost:9 {\n\t\t\t\tlb_try_duration 2s\n\t\t\t}", "source store: retries would ask the source more often than is recorded"},
	"rewrite":                {"reverse_proxy localhost:9", "reverse_proxy localhost:9 {\n\t\t\t\trewrite /x\n\t\t\t}", "handle_response and rewrite would change what the rules declare"},
	"method":                 {"reverse_proxy localhost:9", "reverse_proxy localhost:9 {\n\t\t\t\tmethod GET\n\t\t\t}", "handle_response and rewrite would change what the rules declare"},
	"no rules there":         {"DIR/rules", "DIR/absent", "rules in DIR/absent are not accepted"},
	"no callers there":       {"DIR/callers.yaml", "DIR/absent", "hukou: callers: "},
	"no trust there":         {"DIR/trust.pub", "DIR/absent", "hukou: grants: "},
	"trust is no key":        {"DIR/trust.pub", "DIR/callers.yaml", "not a PEM public key"},
	"no keys there":          {"DIR/keys.json", "DIR/absent", "absent"},
	"keys are none":          {"DIR/keys.json", "DIR/callers.yaml", "callers.yaml"},
	"certificates, no trust": {"identity api_key", "identity client_certificate", "needs trust FILE"},
	"certificates, absent":   {"identity api_key", "identity client_certificate {\n\t\t\ttrust DIR/absent\n\t\t}", "identity client_certificate: trust: "},
	"certificates, not one":  {"identity api_key", "identity client_certificate {\n\t\t\ttrust DIR/callers.yaml\n\t\t}", "callers.yaml: "},
	"jwt, no keys":           {"identity api_key", "identity jwt {\n\t\t\tissuer https://x\n\t\t\taudience y\n\t\t\talgorithms ES256\n\t\t}", "needs either keys_file FILE or keys_url URL"},
	"jwt, two key sets":      {"identity api_key", "identity jwt {\n\t\t\tissuer https://x\n\t\t\taudience y\n\t\t\talgorithms ES256\n\t\t\tkeys_file DIR/a\n\t\t\tkeys_url https://x/keys\n\t\t}", "needs either keys_file FILE or keys_url URL"},
	"jwt, shared secret":     {"identity api_key", "identity jwt {\n\t\t\tissuer https://x\n\t\t\taudience y\n\t\t\talgorithms ES256 HS256\n\t\t\tkeys_url https://x/keys\n\t\t}", `HS256`},
	"jwt, none":              {"identity api_key", "identity jwt {\n\t\t\tissuer https://x\n\t\t\taudience y\n\t\t\talgorithms none\n\t\t\tkeys_url https://x/keys\n\t\t}", `none`},
	"jwt, no algorithms":     {"identity api_key", "identity jwt {\n\t\t\tissuer https://x\n\t\t\taudience y\n\t\t\tkeys_url https://x/keys\n\t\t}", "algorithm"},
	"jwt, no issuer":         {"identity api_key", "identity jwt {\n\t\t\taudience y\n\t\t\talgorithms ES256\n\t\t\tkeys_url https://x/keys\n\t\t}", "issuer"},
	"jwt, no audience":       {"identity api_key", "identity jwt {\n\t\t\tissuer https://x\n\t\t\talgorithms ES256\n\t\t\tkeys_url https://x/keys\n\t\t}", "audience"},
	"jwt, keys unprotected":  {"identity api_key", "identity jwt {\n\t\t\tissuer https://x\n\t\t\taudience y\n\t\t\talgorithms ES256\n\t\t\tkeys_url http://x/keys\n\t\t}", "https"},
	"jwt, absent CA":         {"identity api_key", "identity jwt {\n\t\t\tissuer https://x\n\t\t\taudience y\n\t\t\talgorithms ES256\n\t\t\tkeys_url https://x/keys\n\t\t\tkeys_ca DIR/absent\n\t\t}", "identity jwt: keys_ca: "},
	"jwt, CA is none":        {"identity api_key", "identity jwt {\n\t\t\tissuer https://x\n\t\t\taudience y\n\t\t\talgorithms ES256\n\t\t\tkeys_url https://x/keys\n\t\t\tkeys_ca DIR/callers.yaml\n\t\t}", "holds no certificate"},
	"no block at all":        {wholeSite, "{\n\tadmin off\n\tlog {\n\t\toutput discard\n\t}\n}\n\nhttp://localhost:8080 {\n\thukou_gate\n}\n", "hukou_gate needs the hukou block among the global options"},
}

// TestConfigurationsRefused changes one thing in the Caddyfile.
func TestConfigurationsRefused(t *testing.T) {
	dir := writeSite(t)
	for name, tt := range configurations {
		if strings.Count(wholeSite, tt.old) != 1 {
			t.Fatalf("%s: %q does not stand once in the site", name, tt.old)
		}
		err := validate(t, strings.ReplaceAll(strings.Replace(wholeSite, tt.old, tt.replacement, 1), "DIR", dir), nil)
		if want := strings.ReplaceAll(tt.want, "DIR", dir); err == nil || !strings.Contains(err.Error(), want) {
			// Where the message speaks of DIR as a word, dir does not stand in for it.
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%s: %v, want %q", name, err, want)
			}
		}
	}
}

// TestFilesRefused changes one of the files the configuration names.
func TestFilesRefused(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(dir string) error
		want   []string
	}{
		"a typo in the rules": {func(dir string) error {
			return os.WriteFile(dir+"/rules/bundle.yaml", []byte("name: library\nverison: 3\ntimezone: Asia/Shanghai\n"), 0o600)
		}, []string{`bundle.yaml:2:1: unknown word "verison"; did you mean "version"?`, `"version" is missing`}},
		"a model without an effect": {func(dir string) error {
			return os.WriteFile(dir+"/rules/model.conf", []byte("[request_definition]\nr = caller, application, purpose, resource, route, scope\n[policy_definition]\np = role, purpose, resource, route, scope, eft\n[role_definition]\ng = _, _, _\n[matchers]\nm = true\n"), 0o600)
		}, []string{"rules in ", "are not accepted: policy: model.conf: missing required sections: policy_effect"}},
		"a matcher that is true": {func(dir string) error {
			raw, err := os.ReadFile(dir + "/rules/model.conf")
			if err != nil {
				return err
			}
			before, _, _ := strings.Cut(string(raw), "m = ")
			return os.WriteFile(dir+"/rules/model.conf", []byte(before+"m = true\n"), 0o600)
		}, []string{"lets a request through that names nothing"}},
		"no policy": {func(dir string) error { return os.Remove(dir + "/rules/policy.csv") }, []string{"policy.csv: can't be read: it does not exist"}},
		"callers with a typo": {func(dir string) error {
			return os.WriteFile(dir+"/callers.yaml", []byte("callers:\n  - id: desk\n    unit: x\n    kind: intern\n"), 0o600)
		}, []string{"callers.yaml:"}},
		"keys that others read": {func(dir string) error { return os.Chmod(dir+"/keys.json", 0o644) }, []string{"may be read by others"}},
		"keys that lack one":    {func(dir string) error { return os.WriteFile(dir+"/keys.json", []byte("{}"), 0o600) }, []string{"keys.json"}},
	} {
		dir := writeSite(t)
		if err := tt.change(dir); err != nil {
			t.Fatal(err)
		}
		err := validate(t, strings.ReplaceAll(wholeSite, "DIR", dir), nil)
		for _, want := range tt.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v, want %q", name, err, want)
			}
		}
	}
}

// TestOneBadGrantDoesNotStopTheGate: it takes itself away, and no more.
func TestOneBadGrantDoesNotStopTheGate(t *testing.T) {
	dir := writeSite(t)
	if err := os.WriteFile(dir+"/grants/a.yaml", []byte("application: APP-1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := validate(t, strings.ReplaceAll(wholeSite, "DIR", dir), nil); err != nil {
		t.Error(err)
	}
}

// TestJSONRefused changes what only the JSON form can say.
func TestJSONRefused(t *testing.T) {
	dir := writeSite(t)
	for name, tt := range map[string]struct{ old, replacement, want string }{
		"unknown word":         {`"callers":`, `"calers":"x","callers":`, `unknown field "calers"`},
		"unknown word of ours": {`"rules":{`, `"rules":{"wacht":true,`, `unknown field "wacht"`},
		"unknown guest":        {`"provider":"file"`, `"provider":"paper"`, "unknown module: hukou.keys.paper"},
		"unknown word, guest":  {`"provider":"file"`, `"provider":"file","mode":"0600"`, `unknown field "mode"`},
		"keys without a path":  {`"path":"` + dir + `/keys.json",`, ``, "keys file: a path is needed"},
		"a source that is none": {
			`"sources":{"store":{"handler":"reverse_proxy",`, `"sources":{"other":{"handler":"static_response"},"store":{"handler":"reverse_proxy",`,
			"source other: only reverse_proxy can be a source",
		},
		"handle_response": {
			`"sources":{"store":{"handler":"reverse_proxy",`, `"sources":{"store":{"handler":"reverse_proxy","handle_response":[{"routes":[{"handle":[{"handler":"static_response"}]}]}],`,
			"source store: handle_response and rewrite would change what the rules declare",
		},
		"rewrite": {
			`"sources":{"store":{"handler":"reverse_proxy",`, `"sources":{"store":{"handler":"reverse_proxy","rewrite":{"method":"GET"},`,
			"source store: handle_response and rewrite would change what the rules declare",
		},
		"a gate with words": {`"handler":"hukou_gate"`, `"handler":"hukou_gate","open":true`, `unknown field "open"`},
	} {
		err := validate(t, strings.ReplaceAll(wholeSite, "DIR", dir), func(raw json.RawMessage) json.RawMessage {
			if strings.Count(string(raw), tt.old) != 1 {
				t.Fatalf("%s: %q does not stand once in %s", name, tt.old, raw)
			}
			return json.RawMessage(strings.Replace(string(raw), tt.old, tt.replacement, 1))
		})
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
}
