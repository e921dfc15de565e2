package module

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// mayImport is the house as module/README.md draws it: for each package, which
// of ours it may import. A package that is not listed may not exist.
var mayImport = map[string][]string{
	"cmd/hukougate":                {"module/command", "module/gateway"},
	"cmd/hukouverify":              {"module/ledger"},
	"cmd/hukoubench":               {"module/access", "module/demo", "module/identity", "module/keys", "module/ledger", "module/mask", "module/plan", "module/policy", "module/quota", "module/registry", "module/rules"},
	"deploy/demo":                  {},
	"module":                       {},
	"module/access":                {},
	"module/citizenid":             {},
	"module/command":               {"module/access", "module/demo", "module/identity", "module/keys", "module/plan", "module/policy", "module/rules", "module/strictyaml", "module/workbench"},
	"module/demo":                  {"deploy/demo", "module/access", "module/identity", "module/keys", "module/ledger", "module/registry", "module/rules", "rules"},
	"module/gateway":               {"module/access", "module/citizenid", "module/identity", "module/jsonlex", "module/keys", "module/ledger", "module/mask", "module/plan", "module/policy", "module/quota", "module/rules", "module/strictyaml"},
	"module/identity":              {"module/access", "module/jsonlex", "module/keys", "module/strictyaml"},
	"module/identity/identitytest": {"module/access", "module/identity"},
	"module/jsonlex":               {},
	"module/keys":                  {},
	"module/ledger":                {"module/access"},
	"module/mask":                  {"module/access", "module/citizenid", "module/jsonlex", "module/keys"},
	"module/plan":                  {"module/access", "module/mask", "module/rules"},
	"module/policy":                {"module/access", "module/rules", "module/strictyaml"},
	"module/quota":                 {"module/access"},
	"module/quota/quotatest":       {"module/access", "module/quota"},
	"module/registry":              {"module/citizenid"},
	"module/registry/hostile":      {"module/access"},
	"module/rules":                 {"module/access", "module/strictyaml"},
	"module/strictyaml":            {},
	"module/workbench":             {"module/access", "module/keys", "module/mask", "module/plan", "module/policy", "module/rules", "module/strictyaml"},
	"rules":                        {},
}

// onlyImporter names the one room of each foreign dependency.
var onlyImporter = map[string][]string{
	"github.com/casbin/":         {"module/policy"},
	"github.com/caddyserver/":    {"cmd/hukougate", "module/command", "module/demo", "module/gateway"},
	"github.com/go-jose/":        {"module/demo", "module/identity"},
	"github.com/redis/":          {"module/redisdb"},
	"github.com/hashicorp/vault": {"module/keys"},
	"github.com/sirupsen/logrus": {"module/gateway"},
	"go.yaml.in/":                {"module/strictyaml"},
}

type listed struct {
	ImportPath string
	Imports    []string
}

// TestHouse asserts the import graph from go list, tests not counted.
func TestHouse(t *testing.T) {
	const root = "hukougate/"
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports", "hukougate/...")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.String())
	}
	seen := map[string]bool{}
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimPrefix(p.ImportPath, root)
		seen[name] = true
		allowed, known := mayImport[name]
		if !known {
			t.Errorf("%s is not in the house; add it to module/README.md and to mayImport", name)
		}
		for _, imported := range p.Imports {
			if ours, ok := strings.CutPrefix(imported, root); ok && !slices.Contains(allowed, ours) {
				t.Errorf("%s imports %s, which the house forbids", name, ours)
			}
			for prefix, rooms := range onlyImporter {
				if strings.HasPrefix(imported, prefix) && !slices.Contains(rooms, name) {
					t.Errorf("%s imports %s, which only %v may", name, imported, rooms)
				}
			}
		}
	}
	for name := range mayImport {
		if !seen[name] {
			t.Errorf("%s is in the house's plan but does not exist", name)
		}
	}
}
