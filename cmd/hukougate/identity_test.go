package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"hukougate/module/access"
	"hukougate/module/demo"
	"hukougate/module/identity"
	"hukougate/module/keys"
	"hukougate/module/ledger"
)

// newAPIKey makes an API key under the site's pepper, and the line of the
// callers file for it.
func newAPIKey(t *testing.T, site *demo.Site, id string) (key, line string) {
	t.Helper()
	ring, err := keys.OpenFile(site.Path("keys.json"))
	if err != nil {
		t.Fatal(err)
	}
	pepper, err := ring.Current(t.Context(), keys.APIKeyPepper)
	if err != nil {
		t.Fatal(err)
	}
	key, hash, err := identity.NewAPIKey(id, pepper)
	if err != nil {
		t.Fatal(err)
	}
	return key, fmt.Sprintf("    api_keys:\n      - {id: %s, pepper: %d, hash: %s}\n", id, pepper.Version(), hash)
}

// presented is a set of credentials and what the gate makes of it.
type presented struct {
	name   string
	header http.Header
	cert   *tls.Certificate
	want   access.Reason // "": identified
	caller string        // as whom
	proofs []string
}

// present sends a lookup under the caller's application and checks answer and record.
func (w *workshop) present(t *testing.T, cases []presented) {
	t.Helper()
	receipts := make([]string, len(cases))
	for i, c := range cases {
		header := http.Header{}
		if c.caller == "demo-bank" {
			header.Set("X-Hukou-Application", "APP-2026-0003")
		}
		for name, values := range c.header {
			header[name] = values
		}
		want := "200"
		if c.want != "" {
			want = "401 " + string(c.want)
		}
		got, _, receipt := w.look(t, demo.Caller{Header: header, Certificate: c.cert}, nil)
		if got != want {
			t.Errorf("%s: %s, want %s", c.name, got, want)
		}
		receipts[i] = receipt
	}
	records := w.records(t)
	for i, c := range cases {
		r := records[receipts[i]]
		switch {
		case len(r) != 1:
			t.Errorf("%s: %d records", c.name, len(r))
		case c.want == "" && (r[0].Kind != ledger.KindAccess || r[0].Caller != c.caller || !slices.Equal(r[0].Proofs, c.proofs)):
			t.Errorf("%s: recorded %+v", c.name, r[0])
		case c.want != "" && (r[0].Strangers == nil || !slices.ContainsFunc(r[0].Strangers.Reasons, func(n ledger.ReasonCount) bool { return n.Reason == c.want })):
			t.Errorf("%s: recorded %+v", c.name, r[0])
		}
	}
	all := string(w.everything(t))
	for _, c := range cases {
		for name, values := range c.header {
			for _, v := range values {
				if len(v) > 20 && name != "X-Hukou-Application" && strings.Contains(all, v[len(v)-20:]) {
					t.Errorf("%s: the value of %s stands in the ledger or a log", c.name, name)
				}
			}
		}
	}
}

func TestAPIKeysAndConflicts(t *testing.T) {
	t.Parallel()
	var bankKey, otherKey string
	w := newWorkshop(t, func(site *demo.Site) {
		var line string
		bankKey, line = newAPIKey(t, site, "bk1")
		otherKey, _ = newAPIKey(t, site, "gone")
		editFile(t, site, "callers.yaml", "    client_certificates:\n", line+"    client_certificates:\n")
	})
	social := w.social.Header.Get("X-Api-Key")
	secret := social[strings.LastIndex(social, "_")+1:]
	bankSecret := bankKey[strings.LastIndex(bankKey, "_")+1:]
	wrong := map[bool]string{true: "b", false: "a"}[secret[0] == 'a'] + secret[1:]
	key := func(values ...string) http.Header { return http.Header{"X-Api-Key": values} }
	token := w.clerk.Header.Get("Authorization")
	both := func(k, authorization string) http.Header {
		return http.Header{"X-Api-Key": {k}, "Authorization": {authorization}}
	}
	cert := w.bank.Certificate
	w.present(t, []presented{
		{"key", key(social), nil, "", "social-security", []string{"api_key"}},
		{"wrong secret", key("hk_ss1_" + wrong), nil, access.CredentialInvalid, "", nil},
		{"another id's secret", key("hk_ss1_" + bankSecret), nil, access.CredentialInvalid, "", nil},
		{"key under another id", key("hk_bk1_" + secret), nil, access.CredentialInvalid, "", nil},
		{"key nobody has", key(otherKey), nil, access.CredentialInvalid, "", nil},
		{"capitals", key(strings.ToUpper(social)), nil, access.CredentialInvalid, "", nil},
		{"empty key", key(""), nil, access.CredentialInvalid, "", nil},
		{"key twice", key(social, social), nil, access.CredentialInvalid, "", nil},
		{"key as a bearer token", http.Header{"Authorization": {"Bearer " + social}}, nil, access.CredentialInvalid, "", nil},
		{"key beside a password", both(social, "Basic c29jaWFsOnNlY3JldA=="), nil, access.CredentialInvalid, "", nil},
		{"key and another's token", both(social, token), nil, access.CredentialConflict, "", nil},
		{"certificate", nil, cert, "", "demo-bank", []string{"client_certificate"}},
		{"certificate and its caller's key", key(bankKey), cert, "", "demo-bank", []string{"api_key", "client_certificate"}},
		{"certificate and another's key", key(social), cert, access.CredentialConflict, "", nil},
		{"certificate and another's token", http.Header{"Authorization": {token}}, cert, access.CredentialConflict, "", nil},
		{"certificate and a wrong key", key("hk_bk1_" + wrong), cert, access.CredentialInvalid, "", nil},
		{"bank by key alone", key(bankKey), nil, "", "demo-bank", []string{"api_key"}},
		{"nothing", nil, nil, access.CredentialMissing, "", nil},
	})
}

// login plays the organisation's login service with keys of the tests' own.
type login struct {
	key  *ecdsa.PrivateKey
	name string
}

func newLogin(t *testing.T, name string) login {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return login{key, name}
}

func (l login) keySet(t *testing.T) []byte {
	t.Helper()
	raw, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: &l.key.PublicKey, KeyID: l.name, Algorithm: "ES256", Use: "sig"}}})
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// bearer signs claims under the header's kid, and with further header members.
func (l login) bearer(t *testing.T, kid string, claims map[string]any, members map[jose.HeaderKey]any) http.Header {
	t.Helper()
	options := (&jose.SignerOptions{}).WithType("JWT")
	for name, value := range members {
		options.WithHeader(name, value)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: l.key, KeyID: kid}}, options)
	if err != nil {
		t.Fatal(err)
	}
	token, err := jwt.Signed(signer).Claims(claims).Serialize()
	if err != nil {
		t.Fatal(err)
	}
	return http.Header{"Authorization": {"Bearer " + token}}
}

// claims are good for half an hour; changes replace members, nil takes one away.
func claims(changes map[string]any) map[string]any {
	now := time.Now().Unix()
	c := map[string]any{"iss": "https://login.example.internal", "sub": "registry-clerk", "aud": "hukougate-demo", "iat": now, "nbf": now, "exp": now + 1800}
	for name, value := range changes {
		if c[name] = value; value == nil {
			delete(c, name)
		}
	}
	return c
}

func TestTokens(t *testing.T) {
	t.Parallel()
	own, other := newLogin(t, "test-1"), newLogin(t, "test-1")
	w := newWorkshop(t, func(site *demo.Site) {
		replaceFile(t, site.Path("jwks.json"), own.keySet(t))
	})
	now := time.Now().Unix()
	good := own.bearer(t, "test-1", claims(nil), nil)
	part := strings.Split(strings.TrimPrefix(good.Get("Authorization"), "Bearer "), ".")
	encode := base64.RawURLEncoding.EncodeToString
	bearer := func(parts ...string) http.Header {
		return http.Header{"Authorization": {"Bearer " + strings.Join(parts, ".")}}
	}
	with := func(name string, value any) http.Header {
		return own.bearer(t, "test-1", claims(map[string]any{name: value}), nil)
	}
	cases := []presented{{"good", good, nil, "", "registry-clerk", []string{"jwt"}}}
	for _, c := range []struct {
		name   string
		header http.Header
	}{
		{"expired", own.bearer(t, "test-1", claims(map[string]any{"iat": now - 3600, "nbf": now - 3600, "exp": now - 120}), nil)},
		{"not yet valid", with("nbf", now+600)},
		{"too long a life", with("exp", now+86400)},
		{"no end", with("exp", nil)},
		{"another issuer", with("iss", "https://login.example.com")},
		{"another audience", with("aud", "another-gate")},
		{"nobody's subject", with("sub", "registry-chief")},
		{"another kid", own.bearer(t, "test-2", claims(nil), nil)},
		{"another's key under the kid", other.bearer(t, "test-1", claims(nil), nil)},
		{"no algorithm", bearer(encode([]byte(`{"alg":"none","kid":"test-1","typ":"JWT"}`)), part[1], "")},
		{"no algorithm, with a signature", bearer(encode([]byte(`{"alg":"none","kid":"test-1","typ":"JWT"}`)), part[1], part[2])},
		{"public key as a secret", bearer(encode([]byte(`{"alg":"HS256","kid":"test-1","typ":"JWT"}`)), part[1], part[2])},
		{"brings its key", own.bearer(t, "test-1", claims(nil), map[jose.HeaderKey]any{"jku": "https://203.0.113.1/keys"})},
		{"other claims", bearer(part[0], encode([]byte(`{"sub":"demo-bank"}`)), part[2])},
		{"other signature", bearer(part[0], part[1], encode(make([]byte, 64)))},
		{"twice", http.Header{"Authorization": {good.Get("Authorization"), good.Get("Authorization")}}},
	} {
		cases = append(cases, presented{c.name, c.header, nil, access.CredentialInvalid, "", nil})
	}
	// The demo's own token was signed by the key the set no longer has.
	cases = append(cases, presented{"withdrawn key", w.clerk.Header, nil, access.CredentialInvalid, "", nil})
	w.present(t, cases)
}

// TestKeySetChanges takes the signing key away from a running gate and gives another.
func TestKeySetChanges(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t)
	next := newLogin(t, "test-2")
	token := next.bearer(t, "test-2", claims(nil), nil)
	w.becomes(t, w.clerk, "200", nil)
	w.becomes(t, w.clerk, "401 credential_invalid", token)
	replaceFile(t, w.Path("jwks.json"), next.keySet(t))
	w.becomes(t, w.clerk, "200", token)
	w.becomes(t, w.clerk, "401 credential_invalid", nil)
	if err := os.Remove(w.Path("jwks.json")); err != nil {
		t.Fatal(err)
	}
	// Keys that can't be had are the gate's trouble, not the caller's; it is refused all the same.
	w.becomes(t, w.clerk, "503 keys_unavailable", token)
	w.becomes(t, w.social, "200", nil)
}

// authority issues client certificates.
type authority struct {
	t    *testing.T
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
	pem  []byte
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{t: t, key: newLogin(t, "").key}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "partners of the tests"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: time.Now().AddDate(1, 0, 0), KeyUsage: x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &a.key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	a.pem = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return a
}

func (a *authority) issue(change func(*x509.Certificate)) *tls.Certificate {
	a.t.Helper()
	key := newLogin(a.t, "").key
	leaf := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "demo-bank"}, DNSNames: []string{"gateway.demo-bank.example"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	change(leaf)
	der, err := x509.CreateCertificate(rand.Reader, leaf, a.cert, &key.PublicKey, a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: crypto.PrivateKey(key)}
}

func TestCertificates(t *testing.T) {
	t.Parallel()
	trusted, other := newAuthority(t), newAuthority(t)
	same := func(*x509.Certificate) {}
	listed := trusted.issue(same)
	w := newWorkshop(t, func(site *demo.Site) {
		anchors, err := os.ReadFile(site.Path("partners-ca.pem"))
		if err != nil {
			t.Fatal(err)
		}
		replaceFile(t, site.Path("partners-ca.pem"), append(anchors, trusted.pem...))
		sum := sha256.Sum256(listed.Certificate[0])
		editFile(t, site, "callers.yaml", "    client_certificates:\n", "    client_certificates:\n      - {sha256: "+hex.EncodeToString(sum[:])+"}\n")
	})
	// Certificates the listener must not take: whatever version of TLS, the
	// handshake fails, or at least nobody is identified.
	for _, c := range []struct {
		name string
		cert *tls.Certificate
	}{
		{"another authority's", other.issue(same)},
		{"expired", trusted.issue(func(c *x509.Certificate) {
			c.NotBefore, c.NotAfter = time.Now().Add(-2*time.Hour), time.Now().Add(-time.Hour)
		})},
		{"not yet valid", trusted.issue(func(c *x509.Certificate) {
			c.NotBefore, c.NotAfter = time.Now().Add(time.Hour), time.Now().Add(2*time.Hour)
		})},
		{"for servers only", trusted.issue(func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} })},
		{"the authority's chain without its key", &tls.Certificate{Certificate: [][]byte{w.bank.Certificate.Certificate[0]}, PrivateKey: other.key}},
	} {
		for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			if got := w.handshake(t, c.cert, version); !strings.HasPrefix(got, "refused") {
				t.Errorf("%s, %s: %s", c.name, tls.VersionName(version), got)
			}
		}
	}
	if got := w.handshake(t, listed, tls.VersionTLS13); got != "HTTP/1.1 200 OK" {
		t.Errorf("a listed certificate: %s", got)
	}
	for _, version := range []uint16{tls.VersionTLS10, tls.VersionTLS11} {
		if got := w.handshake(t, listed, version); !strings.HasPrefix(got, "refused") {
			t.Errorf("%s: %s", tls.VersionName(version), got)
		}
	}
	w.present(t, []presented{
		{"listed", nil, listed, "", "demo-bank", []string{"client_certificate"}},
		{"the demo's own", nil, w.bank.Certificate, "", "demo-bank", []string{"client_certificate"}},
		{"of the same authority and name, not listed", nil, trusted.issue(same), access.CredentialInvalid, "", nil},
		{"for no stated use", nil, trusted.issue(func(c *x509.Certificate) { c.ExtKeyUsage = nil }), access.CredentialInvalid, "", nil},
		{"not listed, with another's good key", w.social.Header, trusted.issue(same), access.CredentialInvalid, "", nil},
	})
}

// handshake sends a lookup with a certificate, whether or not the gate asked for
// its like, and returns the status line or why there was none.
func (w *workshop) handshake(t *testing.T, cert *tls.Certificate, version uint16) string {
	t.Helper()
	config := dialWire(t, w.gate, w.social).config
	config.MinVersion, config.MaxVersion = version, version
	config.Certificates = nil
	config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return cert, nil }
	conn, err := tls.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", w.Port), config)
	if err != nil {
		return "refused in the handshake"
	}
	defer conn.Close()
	// In TLS 1.3 the client hears of it only when it reads.
	_, _ = io.WriteString(conn, w.lines(demo.Caller{}, "POST", lookupPath, lookupBody(w.id), "X-Hukou-Application: APP-2026-0003", "Connection: close"))
	text, _ := io.ReadAll(conn)
	if len(text) == 0 {
		return "refused after it"
	}
	line, _, _ := strings.Cut(string(text), "\r\n")
	return line
}
