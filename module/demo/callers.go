package demo

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"os"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"hukougate/module/identity"
	"hukougate/module/keys"
)

const tokenLifetime = 50 * time.Minute

// Caller is one of the three who ask.
type Caller struct {
	ID, Title   string
	Application string
	Header      http.Header
	Certificate *tls.Certificate

	curl string // the options of curl that present its credential
}

// Applications of the demo's signed grants.
const (
	clerkApplication   = "APP-2026-0001"
	socialApplication  = "APP-2026-0002"
	bankApplication    = "APP-2026-0003"
	expiredApplication = "APP-2024-0007"
)

// makeCallers makes keys, credentials and the callers file: a clerk with a
// token, an existing system with an API key, a partner with a certificate.
func (s *Site) makeCallers() error {
	if err := keys.CreateFile(s.Path("keys.json")); err != nil {
		return err
	}
	ring, err := keys.OpenFile(s.Path("keys.json"))
	if err != nil {
		return err
	}
	pepper, err := ring.Current(context.Background(), keys.APIKeyPepper)
	if err != nil {
		return err
	}
	apiKey, hash, err := identity.NewAPIKey("ss1", pepper)
	if err != nil {
		return err
	}
	if s.signer, err = newTokenSigner(); err != nil {
		return err
	}
	if err := s.signer.writeKeySet(s.Path("jwks.json")); err != nil {
		return err
	}
	if err := s.writeToken(); err != nil {
		return err
	}
	token, err := os.ReadFile(s.Path("clerk.jwt"))
	if err != nil {
		return err
	}
	bank, err := makePartner(s.Path("partners-ca.pem"), s.Path("bank.pem"), s.Path("bank.key"))
	if err != nil {
		return err
	}
	fingerprint := sha256.Sum256(bank.Certificate[0])
	s.Callers = []Caller{
		{ID: "registry-clerk", Title: "户籍窗口 registry clerk", Application: clerkApplication,
			curl:   fmt.Sprintf(`-H "Authorization: Bearer $(cat %s)"`, s.Path("clerk.jwt")),
			Header: http.Header{"Authorization": {"Bearer " + string(token)}}},
		{ID: "social-security", Title: "社保系统 social security", Application: socialApplication,
			curl: "-H 'X-Api-Key: " + apiKey + "'", Header: http.Header{"X-Api-Key": {apiKey}}},
		{ID: "demo-bank", Title: "合作银行 partner bank", Application: bankApplication,
			curl:        fmt.Sprintf("--cert %s --key %s -H 'X-Hukou-Application: %s'", s.Path("bank.pem"), s.Path("bank.key"), bankApplication),
			Header:      http.Header{"X-Hukou-Application": {bankApplication}},
			Certificate: bank},
	}
	return os.WriteFile(s.Path("callers.yaml"), fmt.Appendf(nil, `# Who may present which credential. Only keyed hashes and fingerprints stand here.
callers:
  - id: registry-clerk
    unit: 示例市公安局户籍窗口
    kind: internal
    default_application: %s
    tokens:
      - {issuer: https://login.example.internal, subject: registry-clerk}
  - id: social-security
    unit: 示例市人力资源和社会保障局
    kind: external
    default_application: %s
    api_keys:
      - {id: ss1, pepper: %d, hash: %s}
  - id: demo-bank
    unit: 示例银行
    kind: external
    client_certificates:
      - {sha256: %s}
`, clerkApplication, socialApplication, pepper.Version(), hash, hex.EncodeToString(fingerprint[:])), 0o600)
}

// tokenSigner plays the organisation's own login service.
type tokenSigner struct{ key *ecdsa.PrivateKey }

const tokenKeyID = "demo-1"

func newTokenSigner() (*tokenSigner, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	return &tokenSigner{key}, nil
}

func (t *tokenSigner) writeKeySet(path string) error {
	raw, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: &t.key.PublicKey, KeyID: tokenKeyID, Algorithm: "ES256", Use: "sig"}}})
	if err != nil {
		return err
	}
	return os.WriteFile(path, raw, 0o600)
}

func (s *Site) writeToken() error {
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: s.signer.key, KeyID: tokenKeyID}}, (&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		return err
	}
	now := time.Now()
	token, err := jwt.Signed(signer).Claims(jwt.Claims{
		Issuer: "https://login.example.internal", Subject: "registry-clerk", Audience: jwt.Audience{"hukougate-demo"},
		IssuedAt: jwt.NewNumericDate(now), NotBefore: jwt.NewNumericDate(now), Expiry: jwt.NewNumericDate(now.Add(tokenLifetime)),
	}).Serialize()
	if err != nil {
		return err
	}
	return os.WriteFile(s.Path("clerk.jwt"), []byte(token), 0o600)
}

// makePartner makes a CA for partners and a client certificate for the bank.
func makePartner(caPath, certPath, keyPath string) (*tls.Certificate, error) {
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Hukou Gate demo partners"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(1, 0, 0), KeyUsage: x509.KeyUsageCertSign,
	}
	caDER, err := x509.CreateCertificate(rand.Reader, ca, ca, &caKey.PublicKey, caKey)
	if err != nil {
		return nil, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "demo-bank"}, DNSNames: []string{"gateway.demo-bank.example"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(1, 0, 0), KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, leaf, ca, &key.PublicKey, caKey)
	if err != nil {
		return nil, err
	}
	if err := writePEM(caPath, "CERTIFICATE", caDER); err != nil {
		return nil, err
	}
	if err := writePEM(certPath, "CERTIFICATE", der); err != nil {
		return nil, err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	if err := writePEM(keyPath, "PRIVATE KEY", private); err != nil {
		return nil, err
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: crypto.PrivateKey(key)}, nil
}

func writePEM(path, kind string, der []byte) error {
	return os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600)
}
