package identity_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"hukougate/module/access"
	"hukougate/module/identity"
	"hukougate/module/identity/identitytest"
	"hukougate/module/keys"
)

// authority signs certificates for the tests.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func ecKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func sign(t testing.TB, template, parent *x509.Certificate, public *ecdsa.PublicKey, by *ecdsa.PrivateKey) *x509.Certificate {
	t.Helper()
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		t.Fatal(err)
	}
	template.SerialNumber = serial
	if template.NotBefore.IsZero() {
		template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(24*time.Hour)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, by)
	if err != nil {
		t.Fatal(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func newAuthority(t testing.TB, name string) authority {
	t.Helper()
	key := ecKey(t)
	template := &x509.Certificate{
		Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	return authority{sign(t, template, template, &key.PublicKey, key), key}
}

// client issues a client certificate; change may alter its template.
func (a authority) client(t testing.TB, change func(*x509.Certificate)) tls.Certificate {
	t.Helper()
	key := ecKey(t)
	template := &x509.Certificate{
		Subject:  pkix.Name{CommonName: "bank.example"},
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	if change != nil {
		change(template)
	}
	c := sign(t, template, a.cert, &key.PublicKey, a.key)
	return tls.Certificate{Certificate: [][]byte{c.Raw}, PrivateKey: key, Leaf: c}
}

func pool(cs ...*x509.Certificate) *x509.CertPool {
	p := x509.NewCertPool()
	for _, c := range cs {
		p.AddCert(c)
	}
	return p
}

// handshake makes a real mutual TLS connection and returns the state the server
// saw; false when the listener refused the handshake.
func handshake(t testing.TB, mode tls.ClientAuthType, trusted *x509.CertPool, client *tls.Certificate) (*tls.ConnectionState, bool) {
	t.Helper()
	seen := make(chan *tls.ConnectionState, 1)
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen <- r.TLS }))
	s.TLS = &tls.Config{ClientAuth: mode, ClientCAs: trusted, MinVersion: tls.VersionTLS13}
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	defer s.Close()
	transport := s.Client().Transport.(*http.Transport)
	transport.TLSClientConfig.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		if client == nil {
			return &tls.Certificate{}, nil
		}
		return client, nil
	}
	resp, err := s.Client().Get(s.URL)
	if err != nil {
		return nil, false
	}
	resp.Body.Close()
	return <-seen, true
}

func state(t testing.TB, mode tls.ClientAuthType, trusted *x509.CertPool, client *tls.Certificate) func() *http.Request {
	t.Helper()
	s, ok := handshake(t, mode, trusted, client)
	if !ok {
		t.Fatal("the listener refused the handshake")
	}
	return func() *http.Request {
		r := request()
		r.TLS = s
		return r
	}
}

func certificates(t testing.TB, now func() time.Time, anchors ...*x509.Certificate) *identity.CertificateAuthenticator {
	t.Helper()
	a, err := identity.NewCertificateAuthenticator(identity.CertificateConfig{Anchors: anchors, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func fingerprint(c tls.Certificate) string {
	sum := sha256.Sum256(c.Leaf.Raw)
	return hex.EncodeToString(sum[:])
}

func san(dns string, uris ...string) func(*x509.Certificate) {
	return func(c *x509.Certificate) {
		if dns != "" {
			c.DNSNames = strings.Split(dns, ",")
		}
		for _, u := range uris {
			parsed, _ := url.Parse(u)
			c.URIs = append(c.URIs, parsed)
		}
	}
}

// use names the bank, and states other uses than client authentication.
func use(uses ...x509.ExtKeyUsage) func(*x509.Certificate) {
	return func(c *x509.Certificate) { c.DNSNames, c.ExtKeyUsage = []string{"bank.example"}, uses }
}

// TestClientCertificateG7 covers row G7 with real handshakes: expired, not yet
// valid, unverified, self-signed, of another authority, wrong use, CN for SAN.
func TestClientCertificateG7(t *testing.T) {
	ca, other := newAuthority(t, "CA"), newAuthority(t, "CA") // the same name, another key
	pinned := ca.client(t, nil)
	named, spiffe := ca.client(t, san("Bank.Example,extra.example")), ca.client(t, san("", "spiffe://bank.example/gate"))
	both := ca.client(t, san("bank.example,clerk.example"))
	d := mustLoad(t, fmt.Sprintf(`callers:
- {id: bank, unit: 示例银行, kind: external, client_certificates: [{sha256: %s}, {dns: bank.example}, {uri: "spiffe://bank.example/gate"}]}
- {id: clerk, unit: 派出所, kind: internal, client_certificates: [{dns: clerk.example}, {dns: selfsigned.example}]}
`, fingerprint(pinned)))
	trusted := pool(ca.cert)
	verify := func(c tls.Certificate) func() *http.Request {
		return state(t, tls.RequireAndVerifyClientCert, trusted, &c)
	}
	foreign := other.client(t, san("bank.example"))
	selfSigned := selfSigned(t)
	good := verify(pinned)
	swapped := good()
	swapped.TLS = &tls.ConnectionState{PeerCertificates: []*x509.Certificate{foreign.Leaf}, VerifiedChains: good().TLS.VerifiedChains}
	emptied := good()
	emptied.TLS = &tls.ConnectionState{PeerCertificates: good().TLS.PeerCertificates, VerifiedChains: [][]*x509.Certificate{{}}}
	at := func(now time.Time) identity.Authenticator { return certificates(t, func() time.Time { return now }) }
	identitytest.Run(t, identitytest.Fixture{
		Authenticator: certificates(t, nil, ca.cert),
		Directory:     d,
		Caller:        "bank",
		Good:          good,
		Secrets:       []string{"bank.example", "clerk.example", fingerprint(pinned)},
		Bad: []identitytest.Attempt{
			{Name: "requested, never verified", Request: state(t, tls.RequestClientCert, trusted, &named)},
			{Name: "required, never verified, of another authority", Request: state(t, tls.RequireAnyClientCert, trusted, &foreign)},
			{Name: "self-signed, never verified", Request: state(t, tls.RequireAnyClientCert, trusted, &selfSigned)},
			{Name: "of another authority the listener trusts", Request: state(t, tls.RequireAndVerifyClientCert, pool(ca.cert, other.cert), &foreign)},
			{Name: "self-signed and trusted by the listener", Request: state(t, tls.RequireAndVerifyClientCert, pool(ca.cert, selfSigned.Leaf), &selfSigned)},
			{Name: "expired since the handshake", Request: good, With: at(pinned.Leaf.NotAfter.Add(time.Second))},
			{Name: "before its time", Request: good, With: at(pinned.Leaf.NotBefore.Add(-time.Second))},
			{Name: "authority expired", Request: good, With: at(ca.cert.NotAfter.Add(time.Second))},
			{Name: "chain of another leaf", Request: func() *http.Request { return swapped }},
			{Name: "empty chain", Request: func() *http.Request { return emptied }},
			{Name: "any use", Request: verify(ca.client(t, use(x509.ExtKeyUsageAny)))},
			{Name: "no use stated", Request: verify(ca.client(t, use()))},
			{Name: "names two callers", Request: verify(both)},
			{Name: "names nobody", Request: verify(ca.client(t, san("nobody.example")))},
			{Name: "common name only", Request: verify(ca.client(t, nil))},
			{Name: "wildcard", Request: verify(ca.client(t, san("*.example")))},
			{Name: "subdomain", Request: verify(ca.client(t, san("a.bank.example")))},
			{Name: "URI longer", Request: verify(ca.client(t, san("", "spiffe://bank.example/gate/x")))},
			{Name: "URI as DNS name", Request: verify(ca.client(t, san("", "https://bank.example")))},
		},
	})
	for name, c := range map[string]tls.Certificate{"DNS name in another case": named, "URI": spiffe} {
		if id, err := certificates(t, nil).Authenticate(verify(c)(), d); err != nil || id != "bank" {
			t.Errorf("%s: %q, %v", name, id, err)
		}
	}
}

// TestListenerTurnsAwayG7 is what a listener refuses by itself when it verifies.
func TestListenerTurnsAwayG7(t *testing.T) {
	ca := newAuthority(t, "CA")
	trusted := pool(ca.cert)
	foreign, selfSigned := newAuthority(t, "CA").client(t, nil), selfSigned(t)
	serverOnly := ca.client(t, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} })
	old := ca.client(t, func(c *x509.Certificate) {
		c.NotBefore, c.NotAfter = time.Now().Add(-2*time.Hour), time.Now().Add(-time.Hour)
	})
	for name, c := range map[string]*tls.Certificate{"another authority": &foreign, "self-signed": &selfSigned, "for servers": &serverOnly, "expired": &old} {
		if _, ok := handshake(t, tls.VerifyClientCertIfGiven, trusted, c); ok {
			t.Errorf("%s: the handshake succeeded", name)
		}
	}
	if _, why := identity.Identify(state(t, tls.VerifyClientCertIfGiven, trusted, nil)(), &identity.Directory{}, list(certificates(t, nil))); why != access.CredentialMissing {
		t.Errorf("TLS without certificate: %q", why)
	}
}

func selfSigned(t testing.TB) tls.Certificate {
	t.Helper()
	key := ecKey(t)
	template := &x509.Certificate{DNSNames: []string{"selfsigned.example"}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	c := sign(t, template, template, &key.PublicKey, key)
	return tls.Certificate{Certificate: [][]byte{c.Raw}, PrivateKey: key, Leaf: c}
}

// TestCertificateAndKeyConflictG9 mixes a real certificate of A with a real key of B.
func TestCertificateAndKeyConflictG9(t *testing.T) {
	ca := newAuthority(t, "CA")
	c := ca.client(t, nil)
	p := pepper(t, 1)
	key, hash := newKey(t, "k", p)
	d := mustLoad(t, fmt.Sprintf(`callers:
- {id: bank, unit: 示例银行, kind: external, client_certificates: [{sha256: %s}]}
- {id: clerk, unit: 派出所, kind: internal, api_keys: [{id: k, pepper: 1, hash: %s}]}
`, fingerprint(c), hash))
	r := state(t, tls.RequireAndVerifyClientCert, pool(ca.cert), &c)()
	as := list(certificates(t, nil), apiKeys(t, ring{peppers: []keys.Key{p}}))
	if got, why := identity.Identify(r, d, as); why != "" || got.ID != "bank" {
		t.Errorf("certificate alone: %+v, %q", got, why)
	}
	r.Header.Set("X-Api-Key", key)
	if got, why := identity.Identify(r, d, as); why != access.CredentialConflict || got.ID != "" {
		t.Errorf("certificate of A, key of B: %+v, %q", got, why)
	}
	r.Header.Set("X-Api-Key", key+"a")
	if _, why := identity.Identify(r, d, as); why != access.CredentialInvalid {
		t.Errorf("certificate and a bad key: %q", why)
	}
}

func TestParseAnchors(t *testing.T) {
	ca := newAuthority(t, "CA")
	block := func(c *x509.Certificate) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}))
	}
	one, two := block(ca.cert), block(newAuthority(t, "CB").cert)
	if got, err := identity.ParseAnchors([]byte("# authorities\n" + one + "\n" + two + "\n")); err != nil || len(got) != 2 {
		t.Errorf("%d, %v", len(got), err)
	}
	for name, text := range map[string]string{
		"empty":        "",
		"comment only": "# none",
		"short":        one[:len(one)/2],
		"second short": one + two[:len(two)/2],
		"damaged":      strings.Replace(one, "\nMII", "\n!!!", 1) + two,
		"text after":   one + "x",
		"a leaf":       one + block(ca.client(t, nil).Leaf),
		"a key":        one + "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
		"not DER":      "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
	} {
		if got, err := identity.ParseAnchors([]byte(text)); err == nil || got != nil {
			t.Errorf("%s: accepted", name)
		}
	}
	for _, wrong := range []*x509.Certificate{nil, ca.client(t, nil).Leaf} {
		if _, err := identity.NewCertificateAuthenticator(identity.CertificateConfig{Anchors: []*x509.Certificate{wrong}}); err == nil {
			t.Error("an anchor that is no authority: accepted")
		}
	}
}
