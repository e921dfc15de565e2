package identity

import (
	"crypto/sha256"
	"crypto/x509"
	"slices"
	"strings"

	"hukougate/module/access"
)

// Directory holds the callers the gate knows and what their credentials are
// checked against. It never changes after it is loaded; the zero Directory, and
// a nil one, know nobody.
type Directory struct {
	callers      []access.Caller // in file order
	byID         map[string]int
	apiKeys      map[string]apiKeyEntry
	fingerprints map[[sha256.Size]byte]string
	dnsNames     map[string]string
	uris         map[string]string
	tokens       map[tokenName]string
}

type apiKeyEntry struct {
	caller string
	pepper int
	hash   [sha256.Size]byte
}

type tokenName struct{ issuer, subject string }

// Caller returns a caller without proofs: that somebody is known proves nothing
// about who is asking.
func (d *Directory) Caller(id string) (access.Caller, bool) {
	if d == nil {
		return access.Caller{}, false
	}
	i, ok := d.byID[id]
	if !ok {
		return access.Caller{}, false
	}
	return d.callers[i], true
}

// Callers lists all callers in file order, without proofs.
func (d *Directory) Callers() []access.Caller {
	if d == nil {
		return nil
	}
	return slices.Clone(d.callers)
}

func (d *Directory) apiKey(id string) (apiKeyEntry, bool) {
	if d == nil {
		return apiKeyEntry{}, false
	}
	k, ok := d.apiKeys[id]
	return k, ok
}

// CallerByToken returns the id of the caller that a token of this issuer and
// subject names. Both are compared byte for byte (RFC 7519 clause 4.1).
func (d *Directory) CallerByToken(issuer, subject string) (string, bool) {
	if d == nil {
		return "", false
	}
	id, ok := d.tokens[tokenName{issuer, subject}]
	return id, ok
}

// CallersByCertificate returns the distinct ids of the callers that a leaf
// certificate names: by the SHA-256 of its DER, by a DNS name (RFC 5280: without
// regard to case, never as a wildcard) or by a URI among its subject alternative
// names. The common name is never looked at. The caller of this method MUST have
// verified the chain.
func (d *Directory) CallersByCertificate(leaf *x509.Certificate) []string {
	if d == nil || leaf == nil {
		return nil
	}
	var ids []string
	add := func(id string, ok bool) {
		if ok && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	id, ok := d.fingerprints[sha256.Sum256(leaf.Raw)]
	add(id, ok)
	for _, name := range leaf.DNSNames {
		id, ok = d.dnsNames[strings.ToLower(name)]
		add(id, ok)
	}
	for _, uri := range leaf.URIs {
		id, ok = d.uris[uri.String()]
		add(id, ok)
	}
	return ids
}
