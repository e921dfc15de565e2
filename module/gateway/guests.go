package gateway

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"sync"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"hukougate/module/identity"
	"hukougate/module/keys"
	"hukougate/module/quota"
)

func init() {
	caddy.RegisterModule(new(FileKeys))
	caddy.RegisterModule(new(MemoryQuota))
	caddy.RegisterModule(new(APIKeyIdentity))
	caddy.RegisterModule(new(CertificateIdentity))
	caddy.RegisterModule(new(JWTIdentity))
}

// FileKeys is the guest hukou.keys.file: keys kept in one file of this machine.
//
//	keys file PATH
type FileKeys struct {
	Path string `json:"path,omitempty"`
}

// CaddyModule returns the Caddy module information.
func (*FileKeys) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "hukou.keys.file", New: func() caddy.Module { return new(FileKeys) }}
}

// Ring opens the key file.
func (f *FileKeys) Ring() (keys.Ring, error) {
	if f.Path == "" {
		return nil, errors.New("keys file: a path is needed; make a file with: hukougate keys new PATH")
	}
	return keys.OpenFile(f.Path)
}

// UnmarshalCaddyfile reads `file PATH`.
func (f *FileKeys) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next()
	if !d.AllArgs(&f.Path) {
		return d.ArgErr()
	}
	return noBlock(d)
}

// MemoryQuota is the guest hukou.quota.memory: budgets counted in this process.
// They survive a configuration reload, not a restart, and are not shared with
// other gateways.
//
//	quota memory
type MemoryQuota struct{}

// CaddyModule returns the Caddy module information.
func (*MemoryQuota) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "hukou.quota.memory", New: func() caddy.Module { return new(MemoryQuota) }}
}

// memoryStore is one per process: a reload must not give budgets back.
var memoryStore = sync.OnceValue(func() quota.Store { return quota.NewMemory(0, nil) })

// Store returns the process's one store.
func (*MemoryQuota) Store() (quota.Store, error) { return memoryStore(), nil }

// UnmarshalCaddyfile reads `memory`.
func (*MemoryQuota) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next()
	if d.NextArg() {
		return d.ArgErr()
	}
	return noBlock(d)
}

// APIKeyIdentity is the guest hukou.identity.api_key.
//
//	identity api_key [HEADER]
type APIKeyIdentity struct {
	Header string `json:"header,omitempty"`
}

// CaddyModule returns the Caddy module information.
func (*APIKeyIdentity) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "hukou.identity.api_key", New: func() caddy.Module { return new(APIKeyIdentity) }}
}

// Authenticator verifies API keys under the ring's peppers.
func (a *APIKeyIdentity) Authenticator(ring keys.Ring) (identity.Authenticator, error) {
	return identity.NewAPIKeyAuthenticator(ring, a.Header)
}

// UnmarshalCaddyfile reads `api_key [HEADER]`.
func (a *APIKeyIdentity) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next()
	if d.NextArg() {
		a.Header = d.Val()
	}
	if d.NextArg() {
		return d.ArgErr()
	}
	return noBlock(d)
}

// CertificateIdentity is the guest hukou.identity.client_certificate. The site's
// own `tls { client_auth … }` must ask for and verify certificates; trust names
// the only authorities whose certificates count here.
//
//	identity client_certificate {
//		trust FILE
//	}
type CertificateIdentity struct {
	Trust string `json:"trust,omitempty"` // PEM file of CA certificates
}

// CaddyModule returns the Caddy module information.
func (*CertificateIdentity) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "hukou.identity.client_certificate", New: func() caddy.Module { return new(CertificateIdentity) }}
}

// Authenticator verifies client certificates. Without a trust file it refuses:
// a listener that trusts the system's pool would let any public CA name callers.
func (c *CertificateIdentity) Authenticator(keys.Ring) (identity.Authenticator, error) {
	if c.Trust == "" {
		return nil, errors.New("identity client_certificate: needs trust FILE, the CA certificates callers' certificates come from")
	}
	raw, err := os.ReadFile(c.Trust)
	if err != nil {
		return nil, fmt.Errorf("identity client_certificate: trust: %w", err)
	}
	anchors, err := identity.ParseAnchors(raw)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.Trust, err)
	}
	return identity.NewCertificateAuthenticator(identity.CertificateConfig{Anchors: anchors})
}

// UnmarshalCaddyfile reads `client_certificate { trust FILE }`.
func (c *CertificateIdentity) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next()
	return block(d, map[string]func() error{"trust": oneArg(d, &c.Trust)})
}

// JWTIdentity is the guest hukou.identity.jwt: JSON Web Tokens (RFC 7519) with
// pinned algorithms and a key set from a file or an HTTPS address.
//
//	identity jwt {
//		issuer     ISSUER
//		audience   AUDIENCE
//		algorithms ES256 …
//		keys_file  FILE | keys_url URL
//		keys_ca    FILE
//	}
type JWTIdentity struct {
	Issuer     string   `json:"issuer,omitempty"`
	Audience   string   `json:"audience,omitempty"`
	Algorithms []string `json:"algorithms,omitempty"`
	KeysFile   string   `json:"keys_file,omitempty"`
	KeysURL    string   `json:"keys_url,omitempty"`
	KeysCA     string   `json:"keys_ca,omitempty"` // CA certificates of keys_url; empty: the system's

	fetched *identity.KeyURL
}

// CaddyModule returns the Caddy module information.
func (*JWTIdentity) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "hukou.identity.jwt", New: func() caddy.Module { return new(JWTIdentity) }}
}

// Authenticator verifies tokens. Exactly one key set must be named.
func (j *JWTIdentity) Authenticator(keys.Ring) (identity.Authenticator, error) {
	var set identity.KeySet
	switch {
	case (j.KeysFile == "") == (j.KeysURL == ""):
		return nil, errors.New("identity jwt: needs either keys_file FILE or keys_url URL")
	case j.KeysFile != "":
		file, err := identity.NewKeyFile(j.KeysFile)
		if err != nil {
			return nil, err
		}
		set = file
	default:
		config := identity.KeyURLConfig{URL: j.KeysURL}
		if j.KeysCA != "" {
			raw, err := os.ReadFile(j.KeysCA)
			if err != nil {
				return nil, fmt.Errorf("identity jwt: keys_ca: %w", err)
			}
			config.Roots = x509.NewCertPool()
			if !config.Roots.AppendCertsFromPEM(raw) {
				return nil, fmt.Errorf("identity jwt: keys_ca: %s holds no certificate", j.KeysCA)
			}
		}
		fetched, err := identity.NewKeyURL(config)
		if err != nil {
			return nil, err
		}
		set, j.fetched = fetched, fetched
	}
	return identity.NewJWTAuthenticator(identity.JWTConfig{Issuer: j.Issuer, Audience: j.Audience, Algorithms: j.Algorithms, Keys: set})
}

// Start begins to fetch keys, when they come from an address.
func (j *JWTIdentity) Start(ctx context.Context) error {
	if j.fetched != nil {
		return j.fetched.Start(ctx)
	}
	return nil
}

// Stop ends the fetching.
func (j *JWTIdentity) Stop() {
	if j.fetched != nil {
		j.fetched.Stop()
	}
}

// UnmarshalCaddyfile reads the block shown at JWTIdentity.
func (j *JWTIdentity) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next()
	return block(d, map[string]func() error{
		"issuer":   oneArg(d, &j.Issuer),
		"audience": oneArg(d, &j.Audience),
		"algorithms": func() error {
			if j.Algorithms = d.RemainingArgs(); len(j.Algorithms) == 0 {
				return d.ArgErr()
			}
			return nil
		},
		"keys_file": oneArg(d, &j.KeysFile),
		"keys_url":  oneArg(d, &j.KeysURL),
		"keys_ca":   oneArg(d, &j.KeysCA),
	})
}

var (
	_ KeyProvider      = (*FileKeys)(nil)
	_ QuotaProvider    = (*MemoryQuota)(nil)
	_ IdentityProvider = (*APIKeyIdentity)(nil)
	_ IdentityProvider = (*CertificateIdentity)(nil)
	_ IdentityProvider = (*JWTIdentity)(nil)
)
