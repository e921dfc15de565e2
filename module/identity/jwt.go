package identity

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	josejson "github.com/go-jose/go-jose/v4/json"
	"github.com/go-jose/go-jose/v4/jwt"

	"hukougate/module/access"
	"hukougate/module/jsonlex"
)

const (
	// DefaultMaxLifetime is how long a token may be valid (exp - iat) unless
	// another limit is configured.
	DefaultMaxLifetime = time.Hour

	maxToken  = 8 << 10          // bytes of the Authorization header
	leeway    = 30 * time.Second // for clocks that differ
	maxKeyID  = 256              // bytes of kid
	tokenPart = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."
)

// signatureAlgorithms is the allow-list: asymmetric signatures of RFC 7518 and
// RFC 8037. "none" and the HS family can't be configured: under HS a public key
// would be the secret.
var signatureAlgorithms = []jose.SignatureAlgorithm{
	jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512,
	jose.ES256, jose.ES384, jose.ES512, jose.EdDSA,
}

// JWTConfig configures a JWTAuthenticator.
type JWTConfig struct {
	Issuer      string           // required value of iss
	Audience    string           // value that aud must contain
	Algorithms  []string         // accepted alg values, of the asymmetric ones; at least one
	Keys        KeySet           // the issuer's public keys
	MaxLifetime time.Duration    // longest exp - iat; 0: DefaultMaxLifetime
	Now         func() time.Time // clock; nil: time.Now
}

// JWTAuthenticator accepts JSON Web Tokens (RFC 7519) in JWS compact form from
// the Authorization header (RFC 6750 clause 2.1), following RFC 8725.
type JWTAuthenticator struct {
	issuer, audience string
	algorithms       []jose.SignatureAlgorithm
	keys             KeySet
	maxLifetime      time.Duration
	now              func() time.Time
}

// NewJWTAuthenticator makes a JWTAuthenticator. A missing issuer, audience, key
// set or algorithm, and an algorithm that is not an asymmetric signature, are
// errors.
func NewJWTAuthenticator(c JWTConfig) (*JWTAuthenticator, error) {
	switch {
	case !claimText(c.Issuer):
		return nil, errors.New("identity: tokens need an issuer")
	case !claimText(c.Audience):
		return nil, errors.New("identity: tokens need an audience")
	case c.Keys == nil:
		return nil, errors.New("identity: tokens need a key set")
	case len(c.Algorithms) == 0:
		return nil, errors.New("identity: tokens need at least one signature algorithm")
	case c.MaxLifetime < 0:
		return nil, errors.New("identity: the longest lifetime of a token can't be negative")
	}
	a := &JWTAuthenticator{issuer: c.Issuer, audience: c.Audience, keys: c.Keys, maxLifetime: c.MaxLifetime, now: c.Now}
	for _, name := range c.Algorithms {
		alg := jose.SignatureAlgorithm(name)
		if !slices.Contains(signatureAlgorithms, alg) {
			return nil, fmt.Errorf("identity: %q is not an accepted signature algorithm; use one of %v", name, signatureAlgorithms)
		}
		a.algorithms = append(a.algorithms, alg)
	}
	if a.maxLifetime == 0 {
		a.maxLifetime = DefaultMaxLifetime
	}
	if a.now == nil {
		a.now = time.Now
	}
	return a, nil
}

// Proof implements Authenticator.
func (a *JWTAuthenticator) Proof() access.Proof { return access.ProofJWT }

// ReadsHeader implements HeaderReader.
func (a *JWTAuthenticator) ReadsHeader() string { return authorization }

// Authenticate implements Authenticator. Errors are fixed texts: those of the
// library quote the token.
func (a *JWTAuthenticator) Authenticate(r *http.Request, d *Directory) (string, error) {
	values := r.Header.Values(authorization)
	if len(values) == 0 {
		return "", ErrAbsent
	}
	token, ok := bearer(values)
	if !ok || a.keys == nil {
		return "", fmt.Errorf("%w: not one bearer token", ErrInvalid)
	}
	alg, kid, err := a.header(token)
	if err != nil {
		return "", err
	}
	key, err := a.keys.Key(r.Context(), kid)
	if errors.Is(err, ErrUnavailable) {
		return "", err
	}
	if err != nil {
		return "", fmt.Errorf("%w: token key not known", ErrInvalid)
	}
	if key.Algorithm != "" && key.Algorithm != alg {
		return "", fmt.Errorf("%w: token key is for another algorithm", ErrInvalid)
	}
	jws, err := jose.ParseSignedCompact(token, a.algorithms)
	if err != nil {
		return "", fmt.Errorf("%w: not a signed token", ErrInvalid)
	}
	// The bare key, not the JWK or the set: the choice of key was made above.
	payload, err := jws.Verify(key.Key)
	if err != nil {
		return "", fmt.Errorf("%w: token signature", ErrInvalid)
	}
	claims, err := a.claims(payload)
	if err != nil {
		return "", err
	}
	id, ok := d.CallerByToken(claims.Issuer, claims.Subject)
	if !ok {
		return "", fmt.Errorf("%w: token names no caller", ErrInvalid)
	}
	return id, nil
}

// bearer returns the token of exactly one Authorization header in JWS compact
// form. The scheme has no case (RFC 9110 clause 11.1).
func bearer(values []string) (string, bool) {
	if len(values) != 1 || len(values[0]) > maxToken {
		return "", false
	}
	scheme, token, ok := strings.Cut(values[0], " ")
	// The library's base64 decoder passes over line breaks; nothing else may
	// stand in a token either.
	ok = ok && strings.EqualFold(scheme, "Bearer") && strings.Trim(token, tokenPart) == "" && strings.Count(token, ".") == 2
	return token, ok
}

// header checks the JOSE header (RFC 7515 clause 4) before anything is done
// with it, and returns alg and kid.
func (a *JWTAuthenticator) header(token string) (alg, kid string, err error) {
	encoded, _, _ := strings.Cut(token, ".")
	raw, err := base64url.DecodeString(encoded)
	if err != nil || jsonlex.Valid(raw, jsonlex.Options{}) != nil {
		return "", "", fmt.Errorf("%w: token header malformed", ErrInvalid)
	}
	// Decoded into a map, because encoding/json matches struct fields without
	// regard to case.
	var h map[string]any
	if err := josejson.Unmarshal(raw, &h); err != nil {
		return "", "", fmt.Errorf("%w: token header malformed", ErrInvalid)
	}
	// A token may not bring or fetch its own key (jku, jwk, x5u, x5c), demand
	// extensions (crit, b64), or be encrypted or compressed (enc, zip).
	for _, name := range []string{"jku", "jwk", "x5u", "x5c", "crit", "b64", "enc", "zip"} {
		if _, ok := h[name]; ok {
			return "", "", fmt.Errorf("%w: token header %s refused", ErrInvalid, name)
		}
	}
	alg, _ = h["alg"].(string)
	if !slices.Contains(a.algorithms, jose.SignatureAlgorithm(alg)) {
		return "", "", fmt.Errorf("%w: token algorithm not accepted", ErrInvalid)
	}
	kid, _ = h["kid"].(string)
	if kid == "" || len(kid) > maxKeyID {
		return "", "", fmt.Errorf("%w: token names no key", ErrInvalid)
	}
	if typ, ok := h["typ"]; ok && !acceptedType(typ) {
		return "", "", fmt.Errorf("%w: token type not accepted", ErrInvalid)
	}
	return alg, kid, nil
}

// acceptedType accepts the types of RFC 7519 clause 5.1 and RFC 9068 clause
// 2.1: other kinds of token by the same issuer, such as logout tokens, are not
// for us (RFC 8725 clause 3.11).
func acceptedType(typ any) bool {
	text, _ := typ.(string)
	text = strings.TrimPrefix(strings.ToLower(text), "application/")
	return text == "jwt" || text == "at+jwt"
}

// claims reads a verified payload and checks it against the clock.
func (a *JWTAuthenticator) claims(payload []byte) (jwt.Claims, error) {
	var c jwt.Claims
	// Decoders differ on repeated names and lone surrogates, and what two of them
	// read differently is a way around one.
	if jsonlex.Valid(payload, jsonlex.Options{}) != nil {
		return jwt.Claims{}, fmt.Errorf("%w: token claims malformed", ErrInvalid)
	}
	// The library's own decoder: encoding/json would take "ISS" for "iss".
	if err := josejson.Unmarshal(payload, &c); err != nil {
		return jwt.Claims{}, fmt.Errorf("%w: token claims malformed", ErrInvalid)
	}
	now := a.now()
	switch {
	case c.Issuer != a.issuer:
		return jwt.Claims{}, fmt.Errorf("%w: token of another issuer", ErrInvalid)
	case !c.Audience.Contains(a.audience):
		return jwt.Claims{}, fmt.Errorf("%w: token for another audience", ErrInvalid)
	case c.Expiry == nil || c.IssuedAt == nil:
		return jwt.Claims{}, fmt.Errorf("%w: token without exp or iat", ErrInvalid)
	case !now.Before(c.Expiry.Time().Add(leeway)):
		return jwt.Claims{}, fmt.Errorf("%w: token expired", ErrInvalid)
	case now.Add(leeway).Before(c.IssuedAt.Time()):
		return jwt.Claims{}, fmt.Errorf("%w: token from the future", ErrInvalid)
	case c.NotBefore != nil && now.Add(leeway).Before(c.NotBefore.Time()):
		return jwt.Claims{}, fmt.Errorf("%w: token not yet valid", ErrInvalid)
	case *c.Expiry <= *c.IssuedAt || int64(*c.Expiry-*c.IssuedAt) > int64(a.maxLifetime/time.Second):
		return jwt.Claims{}, fmt.Errorf("%w: token lifetime not accepted", ErrInvalid)
	}
	return c, nil
}

var (
	_ Authenticator = (*JWTAuthenticator)(nil)
	_ HeaderReader  = (*JWTAuthenticator)(nil)
)
