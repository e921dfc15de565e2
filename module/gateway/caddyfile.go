package gateway

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/headers"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"
	"github.com/dustin/go-humanize"

	"hukougate/module/strictyaml"
)

func init() {
	httpcaddyfile.RegisterGlobalOption("hukou", parseApp)
	httpcaddyfile.RegisterHandlerDirective("hukou_gate", parseGate)
	httpcaddyfile.RegisterDirectiveOrder("hukou_gate", httpcaddyfile.Before, "respond")
}

// parseApp reads the global option block:
//
//	hukou {
//		gateway    NAME
//		rules      DIR {
//			watch
//		}
//		grants     DIR {
//			trust FILE
//		}
//		callers    FILE
//		ledger     DIR {
//			segment_size SIZE
//			reserve      SIZE
//		}
//		access_log FILE
//		keys       file PATH
//		quota      memory
//		identity   api_key | client_certificate { … } | jwt { … }
//		source     NAME {
//			reverse_proxy …
//		}
//	}
//
// It is the short form of the JSON app `hukou`; the two say the same.
func parseApp(d *caddyfile.Dispenser, existing any) (any, error) {
	d.Next()
	if existing != nil {
		return nil, d.Err("hukou stands twice among the global options")
	}
	if d.NextArg() {
		return nil, d.ArgErr()
	}
	app := new(App)
	words := map[string]func() error{
		"gateway":    oneArg(d, &app.Gateway),
		"rules":      func() error { return app.parseRules(d) },
		"grants":     func() error { return app.parseGrants(d) },
		"callers":    oneArg(d, &app.Callers),
		"ledger":     func() error { return app.parseLedger(d) },
		"access_log": oneArg(d, &app.AccessLog),
		"keys":       func() (err error) { app.KeysRaw, err = guest(d, "hukou.keys", "provider"); return err },
		"quota":      func() (err error) { app.QuotaRaw, err = guest(d, "hukou.quota", "store"); return err },
		"identity": func() error {
			raw, err := guest(d, "hukou.identity", "method")
			app.IdentityRaw = append(app.IdentityRaw, raw)
			return err
		},
		"source": func() error { return app.parseSource(d) },
	}
	if err := block(d, words, "identity", "source"); err != nil {
		return nil, err
	}
	return httpcaddyfile.App{Name: "hukou", Value: caddyconfig.JSON(app, nil)}, nil
}

func parseGate(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	h.Next()
	if h.NextArg() {
		return nil, h.ArgErr()
	}
	if err := noBlock(h.Dispenser); err != nil {
		return nil, err
	}
	return new(Gate), nil
}

func (a *App) parseRules(d *caddyfile.Dispenser) error {
	a.Rules = new(RulesConfig)
	if !d.NextArg() {
		return d.ArgErr()
	}
	a.Rules.Dir = d.Val()
	return block(d, map[string]func() error{"watch": func() error {
		a.Rules.Watch = true
		if d.NextArg() {
			return d.ArgErr()
		}
		return nil
	}})
}

func (a *App) parseGrants(d *caddyfile.Dispenser) error {
	a.Grants = new(GrantsConfig)
	if !d.NextArg() {
		return d.ArgErr()
	}
	a.Grants.Dir = d.Val()
	return block(d, map[string]func() error{"trust": oneArg(d, &a.Grants.Trust)})
}

func (a *App) parseLedger(d *caddyfile.Dispenser) error {
	a.Ledger = new(LedgerConfig)
	if !d.NextArg() {
		return d.ArgErr()
	}
	a.Ledger.Dir = d.Val()
	size := func(into *int64) func() error {
		return func() error {
			var text string
			if !d.AllArgs(&text) {
				return d.ArgErr()
			}
			n, err := humanize.ParseBytes(text)
			if err != nil || n == 0 || n > 1<<50 {
				return d.Errf("%q is not a size such as 64MiB", text)
			}
			*into = int64(n)
			return nil
		}
	}
	return block(d, map[string]func() error{"segment_size": size(&a.Ledger.SegmentSize), "reserve": size(&a.Ledger.Reserve)})
}

// parseSource reads a source: Caddy's own reverse_proxy, as a guest of the gate.
func (a *App) parseSource(d *caddyfile.Dispenser) error {
	var name string
	if !d.AllArgs(&name) {
		return d.ArgErr()
	}
	if _, twice := a.SourcesRaw[name]; twice {
		return d.Errf("source %s stands twice", name)
	}
	if a.SourcesRaw == nil {
		a.SourcesRaw = map[string]json.RawMessage{}
	}
	if err := subBlock(d, map[string]func() error{"reverse_proxy": func() error {
		segment := d.NextSegment()
		for _, token := range segment {
			// Caddy keeps these aside for its own directive and would drop them here
			// without a word.
			if token.Text == "handle_response" || token.Text == "replace_status" {
				at := caddyfile.NewDispenser([]caddyfile.Token{token})
				at.Next()
				return at.Errf("source %s: %s would change what the rules declare; remove it", name, token.Text)
			}
		}
		proxy := new(reverseproxy.Handler)
		if err := proxy.UnmarshalCaddyfile(caddyfile.NewDispenser(segment)); err != nil {
			return err
		}
		ownHost(proxy)
		a.SourcesRaw[name] = caddyconfig.JSONModuleObject(proxy, "handler", "reverse_proxy", nil)
		return nil
	}}); err != nil {
		return err
	}
	if a.SourcesRaw[name] == nil {
		return d.Errf("source %s needs a block with its reverse_proxy", name)
	}
	return nil
}

// ownHost makes the source see its own name as Host, unless the configuration
// sets another: the client's is not passed on.
func ownHost(proxy *reverseproxy.Handler) {
	if proxy.Headers == nil {
		proxy.Headers = new(headers.Handler)
	}
	if proxy.Headers.Request == nil {
		proxy.Headers.Request = new(headers.HeaderOps)
	}
	if proxy.Headers.Request.Set == nil {
		proxy.Headers.Request.Set = http.Header{}
	}
	if proxy.Headers.Request.Set.Get("Host") == "" {
		proxy.Headers.Request.Set.Set("Host", "{http.reverse_proxy.upstream.hostport}")
	}
}

// guest reads `WORD NAME …` and unmarshals the module NAME of the namespace.
func guest(d *caddyfile.Dispenser, namespace, key string) (json.RawMessage, error) {
	if !d.NextArg() {
		return nil, d.ArgErr()
	}
	name := d.Val()
	var known []string
	for _, info := range caddy.GetModules(namespace) {
		known = append(known, info.ID.Name())
	}
	if !slices.Contains(known, name) {
		return nil, unknownWord(d, name, known)
	}
	module, err := caddyfile.UnmarshalModule(d, namespace+"."+name)
	if err != nil {
		return nil, err
	}
	return caddyconfig.JSONModuleObject(module, key, name, nil), nil
}

// block reads the words of the block that opens here, if one does; nothing else
// may stand on the line. Each word may stand once, the repeatable ones more often.
func block(d *caddyfile.Dispenser, words map[string]func() error, repeatable ...string) error {
	if d.NextArg() {
		return d.ArgErr()
	}
	return subBlock(d, words, repeatable...)
}

// subBlock is block after the arguments of the line were read.
func subBlock(d *caddyfile.Dispenser, words map[string]func() error, repeatable ...string) error {
	seen := map[string]bool{}
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		word := d.Val()
		parse, known := words[word]
		switch {
		case !known:
			return unknownWord(d, word, slices.Sorted(maps.Keys(words)))
		case seen[word] && !slices.Contains(repeatable, word):
			return d.Errf("%s stands twice", word)
		}
		seen[word] = true
		if err := parse(); err != nil {
			return err
		}
	}
	return nil
}

func noBlock(d *caddyfile.Dispenser) error { return subBlock(d, nil) }

func unknownWord(d *caddyfile.Dispenser, word string, known []string) error {
	return d.Errf("unknown word %q%s", word, strictyaml.Hint(word, known))
}

func oneArg(d *caddyfile.Dispenser, into *string) func() error {
	return func() error {
		if !d.AllArgs(into) {
			return d.ArgErr()
		}
		return nil
	}
}
