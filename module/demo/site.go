package demo

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	demofiles "hukougate/deploy/demo"
	shipped "hukougate/rules"
)

// Site is a folder with everything a gate needs, as an operator would write it:
// rules, grants, callers, keys and a Caddyfile. Tests and benchmarks stand on
// it too.
type Site struct {
	Dir     string
	Port    int
	Callers []Caller // the clerk, social security, the bank

	signer *tokenSigner
	roots  *x509.CertPool
}

// Prepare writes a site for a source at an address (host:port) into dir.
func Prepare(dir, source string, port int) (*Site, error) {
	s := &Site{Dir: dir, Port: port}
	if err := copyFiles(shipped.FS, s.Path("rules")); err != nil {
		return nil, err
	}
	if err := copyFiles(demofiles.FS, s.Dir); err != nil {
		return nil, err
	}
	if err := s.makeCallers(); err != nil {
		return nil, err
	}
	return s, os.WriteFile(s.Path("Caddyfile"), []byte(s.caddyfile(source)), 0o600)
}

// Path names a file of the site.
func (s *Site) Path(name string) string { return filepath.Join(s.Dir, filepath.FromSlash(name)) }

// URL makes an address of the gate.
func (s *Site) URL(path string) string { return fmt.Sprintf("https://localhost:%d%s", s.Port, path) }

// Client makes an HTTP client that trusts the gate's CA and presents the
// caller's certificate, if it has one. The gate must be ready.
func (s *Site) Client(c Caller) *http.Client {
	config := &tls.Config{RootCAs: s.roots, MinVersion: tls.VersionTLS12}
	if c.Certificate != nil {
		config.Certificates = []tls.Certificate{*c.Certificate}
	}
	return &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{TLSClientConfig: config, ForceAttemptHTTP2: true}}
}

func copyFiles(from fs.FS, to string) error {
	return fs.WalkDir(from, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		target := filepath.Join(to, filepath.FromSlash(name))
		if d.IsDir() {
			return os.MkdirAll(target, 0o700)
		}
		data, err := fs.ReadFile(from, name)
		if err != nil {
			return err
		}
		return os.WriteFile(target, data, 0o600)
	})
}

// caddyfile is what an operator would write, with this folder's paths.
func (s *Site) caddyfile(sourceAddress string) string {
	return strings.NewReplacer("DIR", s.Dir, "PORT", fmt.Sprint(s.Port), "SOURCE", sourceAddress).Replace(`{
	admin off
	persist_config off
	skip_install_trust
	auto_https disable_redirects
	storage file_system "DIR/caddy"
	log {
		output file "DIR/gateway.log"
	}
	servers {
		protocols h1 h2
	}
	hukou {
		gateway demo
		rules "DIR/rules" {
			watch
		}
		grants "DIR/grants" {
			trust "DIR/trust.pub"
		}
		callers "DIR/callers.yaml"
		ledger "DIR/ledger"
		access_log "DIR/access.log"
		keys file "DIR/keys.json"
		quota memory
		identity api_key
		identity client_certificate {
			trust "DIR/partners-ca.pem"
		}
		identity jwt {
			issuer https://login.example.internal
			audience hukougate-demo
			algorithms ES256
			keys_file "DIR/jwks.json"
		}
		source registry {
			reverse_proxy SOURCE
		}
	}
}

localhost:PORT {
	bind 127.0.0.1
	tls internal {
		client_auth {
			mode verify_if_given
			trust_pool file "DIR/partners-ca.pem"
		}
	}
	hukou_gate
}
`)
}

// WaitReady returns when the gate completes a TLS handshake, or after a minute.
func (s *Site) WaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	root := s.Path("caddy/pki/authorities/local/root.crt")
	for {
		if pem, err := os.ReadFile(root); err == nil {
			pool := x509.NewCertPool()
			dialer := tls.Dialer{Config: &tls.Config{RootCAs: pool, ServerName: "localhost", MinVersion: tls.VersionTLS12}}
			if pool.AppendCertsFromPEM(pem) {
				if c, err := dialer.DialContext(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", s.Port)); err == nil {
					s.roots = pool
					return c.Close()
				}
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the gate did not come up; see %s", s.Path("gateway.log"))
		case <-time.After(50 * time.Millisecond):
		}
	}
}
