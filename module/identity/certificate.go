package identity

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"hukougate/module/access"
)

// CertificateConfig configures a CertificateAuthenticator.
type CertificateConfig struct {
	// Anchors, when not empty, are the only authorities a verified chain may end
	// in, whatever pool the TLS listener verified against: a listener without a
	// pool of its own trusts the whole system's.
	Anchors []*x509.Certificate
	// Now is the clock; nil: time.Now.
	Now func() time.Time
}

// CertificateAuthenticator accepts the client certificate of a mutual TLS
// connection, verified by the TLS listener.
type CertificateAuthenticator struct {
	anchors []*x509.Certificate
	now     func() time.Time
}

// NewCertificateAuthenticator makes a CertificateAuthenticator. An anchor that
// is no certificate authority is an error.
func NewCertificateAuthenticator(c CertificateConfig) (*CertificateAuthenticator, error) {
	for _, a := range c.Anchors {
		if a == nil || !a.IsCA {
			return nil, errors.New("identity: an anchor is not the certificate of an authority")
		}
	}
	a := &CertificateAuthenticator{anchors: slices.Clone(c.Anchors), now: c.Now}
	if a.now == nil {
		a.now = time.Now
	}
	return a, nil
}

// ParseAnchors reads certificates of authorities in PEM (RFC 7468). A file
// without any, with another block among them, with text after them or with a
// certificate that is no authority is an error: a short trust file must stop the
// start, not shorten trust.
func ParseAnchors(data []byte) ([]*x509.Certificate, error) {
	var all []*x509.Certificate
	// pem.Decode passes over a damaged block in silence; counting them does not.
	blocks := bytes.Count(data, []byte("-----BEGIN"))
	for len(bytes.TrimSpace(data)) > 0 {
		block, rest := pem.Decode(data)
		if block == nil || block.Type != "CERTIFICATE" {
			return nil, fmt.Errorf("identity: block %d of the authorities is not a PEM certificate", len(all)+1)
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("identity: authority %d: %w", len(all)+1, err)
		}
		if !c.BasicConstraintsValid || !c.IsCA {
			return nil, fmt.Errorf("identity: certificate %d is not an authority's", len(all)+1)
		}
		all, data = append(all, c), rest
	}
	if len(all) == 0 || len(all) != blocks {
		return nil, fmt.Errorf("identity: %d of %d certificates of authorities are readable", len(all), blocks)
	}
	return all, nil
}

// Proof implements Authenticator.
func (a *CertificateAuthenticator) Proof() access.Proof { return access.ProofClientCertificate }

// Authenticate implements Authenticator.
func (a *CertificateAuthenticator) Authenticate(r *http.Request, d *Directory) (string, error) {
	if r.TLS == nil || len(r.TLS.PeerCertificates) == 0 {
		return "", ErrAbsent
	}
	leaf := r.TLS.PeerCertificates[0]
	// A listener that only requests certificates fills PeerCertificates with
	// whatever the client sent; only VerifiedChains were checked.
	if len(r.TLS.VerifiedChains) == 0 {
		return "", fmt.Errorf("%w: certificate chain not verified", ErrInvalid)
	}
	now := time.Now()
	if a.now != nil {
		now = a.now()
	}
	if !slices.ContainsFunc(r.TLS.VerifiedChains, func(chain []*x509.Certificate) bool {
		return a.accepts(chain, leaf, now)
	}) {
		return "", fmt.Errorf("%w: no verified chain is acceptable now", ErrInvalid)
	}
	// crypto/x509 takes a leaf without any extended key usage for every use;
	// here the use must be stated (RFC 5280 clause 4.2.1.12).
	if !slices.Contains(leaf.ExtKeyUsage, x509.ExtKeyUsageClientAuth) {
		return "", fmt.Errorf("%w: certificate is not for client authentication", ErrInvalid)
	}
	ids := d.CallersByCertificate(leaf)
	if len(ids) != 1 {
		return "", fmt.Errorf("%w: certificate names %d callers", ErrInvalid, len(ids))
	}
	return ids[0], nil
}

// accepts checks a chain again at the time of the request: a connection may
// outlive the certificates it was opened with.
func (a *CertificateAuthenticator) accepts(chain []*x509.Certificate, leaf *x509.Certificate, now time.Time) bool {
	if len(chain) == 0 || !chain[0].Equal(leaf) {
		return false
	}
	for _, c := range chain {
		if now.Before(c.NotBefore) || now.After(c.NotAfter) {
			return false
		}
	}
	return len(a.anchors) == 0 || slices.ContainsFunc(a.anchors, chain[len(chain)-1].Equal)
}

var _ Authenticator = (*CertificateAuthenticator)(nil)
