package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"hukougate/module/demo"
	"hukougate/module/identity"
	"hukougate/module/keys"
)

// Callers of the demo's site, by their place in it.
const (
	clerk          = 0
	socialSecurity = 1
)

// prepareSites writes both sides' sites in front of a source.
func prepareSites(dir, source string) (plain, gate *demo.Site, err error) {
	ports, err := freePorts(2)
	if err != nil {
		return nil, nil, err
	}
	if plain, err = preparePlain(filepath.Join(dir, "plain"), source, ports[0]); err != nil {
		return nil, nil, err
	}
	gate, err = prepareGate(filepath.Join(dir, "gate"), source, ports[1])
	return plain, gate, err
}

// limitFigure is one figure of rules/limits.yaml.
var limitFigure = regexp.MustCompile(`\b(requests_per_minute|burst|persons_per_day): [0-9]+`)

// prepareGate writes the demo's site in front of a source. Its budgets are
// counted as ever but can't run out, and the clerk has an API key as well:
// verifying a token's signature for every request would hide all else.
func prepareGate(dir, source string, port int) (*demo.Site, error) {
	site, err := demo.Prepare(dir, source, port)
	if err != nil {
		return nil, err
	}
	err = edit(site, "rules/limits.yaml", func(text string) (string, bool) {
		return limitFigure.ReplaceAllString(text, "${1}: 1000000000"), limitFigure.MatchString(text)
	})
	if err != nil {
		return nil, err
	}
	return site, giveClerkAPIKey(site)
}

func giveClerkAPIKey(site *demo.Site) error {
	ring, err := keys.OpenFile(site.Path("keys.json"))
	if err != nil {
		return err
	}
	pepper, err := ring.Current(context.Background(), keys.APIKeyPepper)
	if err != nil {
		return err
	}
	key, hash, err := identity.NewAPIKey("ck1", pepper)
	if err != nil {
		return err
	}
	const tokens = "    tokens:\n" // only the clerk has any
	err = edit(site, "callers.yaml", func(text string) (string, bool) {
		ours := fmt.Sprintf("    api_keys:\n      - {id: ck1, pepper: %d, hash: %s}\n", pepper.Version(), hash)
		return strings.Replace(text, tokens, ours+tokens, 1), strings.Count(text, tokens) == 1
	})
	site.Callers[clerk].Header = http.Header{identity.DefaultAPIKeyHeader: {key}}
	return err
}

// preparePlain writes the same site without the gate: the same server, TLS and
// log, and reverse_proxy where the gate stood.
func preparePlain(dir, source string, port int) (*demo.Site, error) {
	site, err := demo.Prepare(dir, source, port)
	if err != nil {
		return nil, err
	}
	return site, edit(site, "Caddyfile", func(text string) (string, bool) { return withoutGate(text, source) })
}

// withoutGate takes the hukou block out of a Caddyfile and puts reverse_proxy in
// the place of hukou_gate.
func withoutGate(caddyfile, source string) (string, bool) {
	const directive = "\thukou_gate\n"
	before, block, opened := strings.Cut(caddyfile, "\n\thukou {\n")
	_, after, closed := strings.Cut(block, "\n\t}\n")
	return before + "\n" + strings.Replace(after, directive, "\treverse_proxy "+source+"\n", 1),
		opened && closed && strings.Count(after, directive) == 1
}

var errNotAsExpected = errors.New("is not as hukoubench expects it")

// edit rewrites a file of a site. change reports whether it found what it changes.
func edit(site *demo.Site, name string, change func(string) (string, bool)) error {
	raw, err := os.ReadFile(site.Path(name))
	if err != nil {
		return err
	}
	text, ok := change(string(raw))
	if !ok {
		return fmt.Errorf("the demo's %s %w", name, errNotAsExpected)
	}
	return os.WriteFile(site.Path(name), []byte(text), 0o600)
}

// side is one of the two that are compared: a site and the process that serves it.
type side struct {
	name string
	*demo.Site
	process *process
	answers int // that were read whole, of all rounds
}

// startSide runs hukougate on a site and waits until it answers.
func startSide(ctx context.Context, binary, name string, site *demo.Site) (*side, error) {
	cmd := exec.Command(binary, "run", "--config", site.Path("Caddyfile"), "--adapter", "caddyfile")
	home := site.Path("home")
	cmd.Env = append(os.Environ(), "HOME="+home, "XDG_DATA_HOME="+home, "XDG_CONFIG_HOME="+home)
	p, err := start(cmd, site.Dir, "hukougate")
	if err != nil {
		return nil, err
	}
	waiting, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-p.exited: // no use to wait any longer
			cancel()
		case <-waiting.Done():
		}
	}()
	if err := site.WaitReady(waiting); err != nil {
		p.stop()
		return nil, fmt.Errorf("%s: %w%s", name, err, p.lastOutput())
	}
	return &side{name: name, Site: site, process: p}, nil
}
