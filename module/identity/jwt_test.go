package identity_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"hukougate/module/access"
	"hukougate/module/identity"
	"hukougate/module/identity/identitytest"
)

// rsaKey is made once: it takes a while.
var rsaKey = sync.OnceValue(func() *rsa.PrivateKey {
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return k
})

// fixedKeys is a KeySet of given keys by kid; err, when set, is all it returns.
type fixedKeys struct {
	keys map[string]jose.JSONWebKey
	err  error
}

func (s fixedKeys) Key(_ context.Context, kid string) (jose.JSONWebKey, error) {
	if s.err != nil {
		return jose.JSONWebKey{}, s.err
	}
	k, ok := s.keys[kid]
	if !ok {
		return k, fmt.Errorf("%w: unknown kid", identity.ErrInvalid)
	}
	return k, nil
}

func b64(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

// signed makes a compact JWS of exactly these header and payload bytes.
func signed(t testing.TB, header, payload string, key any, alg string) string {
	t.Helper()
	input := b64(header) + "." + b64(payload)
	var (
		sig []byte
		err error
	)
	switch k := key.(type) {
	case nil:
	case []byte:
		mac := hmac.New(sha256.New, k)
		mac.Write([]byte(input))
		sig = mac.Sum(nil)
	case ed25519.PrivateKey:
		sig = ed25519.Sign(k, []byte(input))
	case *rsa.PrivateKey:
		h := crypto.SHA256.New()
		h.Write([]byte(input))
		if strings.HasPrefix(alg, "PS") {
			sig, err = rsa.SignPSS(rand.Reader, k, crypto.SHA256, h.Sum(nil), &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
		} else {
			sig, err = rsa.SignPKCS1v15(rand.Reader, k, crypto.SHA256, h.Sum(nil))
		}
	case *ecdsa.PrivateKey:
		h := crypto.SHA256.New()
		h.Write([]byte(input))
		r, s, serr := ecdsa.Sign(rand.Reader, k, h.Sum(nil))
		size := (k.Curve.Params().BitSize + 7) / 8
		sig, err = append(r.FillBytes(make([]byte, size)), s.FillBytes(make([]byte, size))...), serr
	}
	if err != nil {
		t.Fatal(err)
	}
	return input + "." + base64.RawURLEncoding.EncodeToString(sig)
}

type claims map[string]any

func goodClaims() claims {
	return claims{
		"iss": "https://id.example", "aud": "hukougate", "sub": "system:bank",
		"iat": noon.Add(-time.Minute).Unix(), "exp": noon.Add(10 * time.Minute).Unix(),
	}
}

func (c claims) with(pairs ...any) string {
	c = maps.Clone(c)
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] == nil {
			delete(c, pairs[i].(string))
			continue
		}
		c[pairs[i].(string)] = pairs[i+1]
	}
	text, err := json.Marshal(c)
	if err != nil {
		panic(err)
	}
	return string(text)
}

func bearer(token string) func() *http.Request {
	return func() *http.Request { return request("Authorization", "Bearer "+token) }
}

const tokenDirectory = `callers:
- {id: bank, unit: 示例银行, kind: external, tokens: [{issuer: "https://id.example", subject: "system:bank"}, {issuer: "https://mallory.example", subject: "system:bank"}]}
`

func tokens(t testing.TB, keys identity.KeySet, algorithms ...string) *identity.JWTAuthenticator {
	t.Helper()
	a, err := identity.NewJWTAuthenticator(identity.JWTConfig{
		Issuer: "https://id.example", Audience: "hukougate", Algorithms: algorithms, Keys: keys, Now: atNoon,
	})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// jwtBench holds what the tokens of row G6 are made with.
type jwtBench struct {
	t        testing.TB
	ed       ed25519.PrivateKey
	ec, ec3  *ecdsa.PrivateKey
	rsa      *rsa.PrivateKey
	keys     fixedKeys
	mallory  ed25519.PrivateKey
	goodHead string
}

func newBench(t testing.TB) *jwtBench {
	t.Helper()
	pub, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	_, mallory, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ec3, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	b := &jwtBench{t: t, ed: ed, ec: ecKey(t), ec3: ec3, rsa: rsaKey(), mallory: mallory, goodHead: `{"alg":"EdDSA","kid":"ed","typ":"JWT"}`}
	b.keys = fixedKeys{keys: map[string]jose.JSONWebKey{
		"ed":     {Key: pub, KeyID: "ed"},
		"rsa":    {Key: &b.rsa.PublicKey, KeyID: "rsa"},
		"rsa-ps": {Key: &b.rsa.PublicKey, KeyID: "rsa-ps", Algorithm: "PS256"},
		"ec":     {Key: &b.ec.PublicKey, KeyID: "ec"},
		"ec384":  {Key: &b.ec3.PublicKey, KeyID: "ec384"},
	}}
	return b
}

func (b *jwtBench) head(header string) func() *http.Request {
	return bearer(signed(b.t, header, goodClaims().with(), b.ed, "EdDSA"))
}

func (b *jwtBench) body(payload string) func() *http.Request {
	return bearer(signed(b.t, b.goodHead, payload, b.ed, "EdDSA"))
}

// TestJWTG6 covers row G6.
func TestJWTG6(t *testing.T) {
	b := newBench(t)
	good := signed(t, b.goodHead, goodClaims().with(), b.ed, "EdDSA")
	d := mustLoad(t, tokenDirectory)
	all := []string{"EdDSA", "RS256", "PS256", "ES256", "ES384"}
	bad := slices.Concat(b.valueAttacks(good), b.headerAttacks(), b.claimAttacks())
	identitytest.Run(t, identitytest.Fixture{
		Authenticator: tokens(t, b.keys, all...),
		Directory:     d,
		Caller:        "bank",
		Good:          bearer(good),
		Bad:           bad,
		Secrets:       []string{"system:bank", "https://id.example", "hukougate\"", "rsa-ps"},
		Unavailable: []identitytest.Attempt{{
			Name: "key set too old", Request: bearer(good),
			With: tokens(t, fixedKeys{err: fmt.Errorf("%w: too old", identity.ErrUnavailable)}, all...),
		}},
	})
	a := tokens(t, b.keys, all...)
	for name, r := range map[string]func() *http.Request{
		"RS256":                 bearer(signed(t, `{"alg":"RS256","kid":"rsa"}`, goodClaims().with(), b.rsa, "RS256")),
		"PS256 as the key says": bearer(signed(t, `{"alg":"PS256","kid":"rsa-ps"}`, goodClaims().with(), b.rsa, "PS256")),
		"ES256":                 bearer(signed(t, `{"alg":"ES256","kid":"ec","typ":"at+jwt"}`, goodClaims().with(), b.ec, "ES256")),
		"scheme in lower case":  func() *http.Request { return request("Authorization", "bearer "+good) },
		"audience in a list":    b.body(goodClaims().with("aud", []string{"other", "hukougate"})),
		"exp within leeway":     b.body(goodClaims().with("exp", noon.Add(-29*time.Second).Unix())),
		"nbf within leeway":     b.body(goodClaims().with("nbf", noon.Add(30*time.Second).Unix())),
		"lifetime just allowed": b.body(goodClaims().with("iat", noon.Unix(), "exp", noon.Add(time.Hour).Unix())),
		"unknown claims":        b.body(goodClaims().with("ISS", "x", "groups", []string{"a", "a"})),
		"type of RFC 9068":      b.head(`{"alg":"EdDSA","kid":"ed","typ":"application/at+JWT"}`),
		"unknown header":        b.head(`{"alg":"EdDSA","kid":"ed","x5t":"AAAA","app":1}`),
	} {
		if id, err := a.Authenticate(r(), d); err != nil || id != "bank" {
			t.Errorf("%s: %q, %v", name, id, err)
		}
	}
}

// valueAttacks are Authorization headers that are not one whole token.
func (b *jwtBench) valueAttacks(good string) []identitytest.Attempt {
	t, parts := b.t, strings.Split(good, ".")
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte("bank:secret"))
	one := func(name, value string) identitytest.Attempt {
		return identitytest.Attempt{Name: name, Request: func() *http.Request { return request("Authorization", value) }}
	}
	return []identitytest.Attempt{
		one("empty", ""), one("scheme only", "Bearer"), one("scheme and space", "Bearer "), one("no scheme", good),
		one("basic", basic), one("two spaces", "Bearer  "+good), one("space after", "Bearer "+good+" "),
		one("two tokens", "Bearer "+good+", Bearer "+good), one("line break in it", "Bearer "+good[:20]+"\n"+good[20:]),
		one("JSON serialisation", `Bearer {"protected":"`+parts[0]+`","payload":"`+parts[1]+`","signature":"`+parts[2]+`"}`),
		one("padding", "Bearer "+parts[0]+"=."+parts[1]+"."+parts[2]),
		one("two parts", "Bearer "+parts[0]+"."+parts[1]), one("five parts (JWE)", "Bearer "+good+".a.b"),
		one("signature cut", "Bearer "+good[:len(good)-4]), one("signature empty", "Bearer "+parts[0]+"."+parts[1]+"."),
		one("payload of another", "Bearer "+parts[0]+"."+b64(goodClaims().with("sub", "other"))+"."+parts[2]),
		one("too long", "Bearer "+signed(t, b.goodHead, goodClaims().with("pad", strings.Repeat("x", 8<<10)), b.ed, "")),
		{Name: "repeated header", Request: func() *http.Request {
			return request("Authorization", "Bearer "+good, "Authorization", "Bearer "+good)
		}},
	}
}

// headerAttacks are tokens whose JOSE header must not be believed.
func (b *jwtBench) headerAttacks() []identitytest.Attempt {
	t := b.t
	publicDER, err := x509.MarshalPKIXPublicKey(&b.rsa.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	publicPEM := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: publicDER})
	hs := func(key []byte) string {
		return signed(t, `{"alg":"HS256","kid":"rsa"}`, goodClaims().with(), key, "HS256")
	}
	jwk, err := json.Marshal(jose.JSONWebKey{Key: b.mallory.Public(), KeyID: "ed"})
	if err != nil {
		t.Fatal(err)
	}
	ownKey := func(member string) func() *http.Request {
		return bearer(signed(t, `{"alg":"EdDSA","kid":"ed",`+member+`}`, goodClaims().with(), b.mallory, "EdDSA"))
	}
	return []identitytest.Attempt{
		{Name: "alg none", Request: bearer(signed(t, `{"alg":"none","kid":"ed"}`, goodClaims().with(), nil, ""))},
		{Name: "alg None", Request: bearer(signed(t, `{"alg":"None","kid":"ed"}`, goodClaims().with(), nil, ""))},
		{Name: "alg none with signature", Request: b.head(`{"alg":"none","kid":"ed"}`)},
		{Name: "alg missing", Request: b.head(`{"kid":"ed"}`)},
		{Name: "alg no text", Request: b.head(`{"alg":["EdDSA"],"kid":"ed"}`)},
		{Name: "alg in another case", Request: b.head(`{"alg":"eddsa","kid":"ed"}`)},
		{Name: "alg not configured", Request: bearer(signed(t, `{"alg":"RS256","kid":"rsa"}`, goodClaims().with(), b.rsa, "")), With: tokens(t, b.keys, "EdDSA")},
		{Name: "HS256 under the public key in PEM", Request: bearer(hs(publicPEM))},
		{Name: "HS256 under the public key in DER", Request: bearer(hs(publicDER))},
		{Name: "RS256 with an elliptic key", Request: bearer(signed(t, `{"alg":"RS256","kid":"ec"}`, goodClaims().with(), b.rsa, ""))},
		{Name: "ES256 on the wrong curve", Request: bearer(signed(t, `{"alg":"ES256","kid":"ec384"}`, goodClaims().with(), b.ec3, ""))},
		{Name: "RS256 with a key for PS256", Request: bearer(signed(t, `{"alg":"RS256","kid":"rsa-ps"}`, goodClaims().with(), b.rsa, ""))},
		{Name: "another's signature", Request: bearer(signed(t, b.goodHead, goodClaims().with(), b.mallory, ""))},
		{Name: "kid missing", Request: b.head(`{"alg":"EdDSA"}`)},
		{Name: "kid empty", Request: b.head(`{"alg":"EdDSA","kid":""}`)},
		{Name: "kid no text", Request: b.head(`{"alg":"EdDSA","kid":0}`)},
		{Name: "kid of another key", Request: b.head(`{"alg":"EdDSA","kid":"rsa"}`)},
		{Name: "kid unknown", Request: b.head(`{"alg":"EdDSA","kid":"mallory"}`)},
		{Name: "kid in another case", Request: b.head(`{"alg":"EdDSA","kid":"ED"}`)},
		{Name: "kid a path", Request: b.head(`{"alg":"EdDSA","kid":"../../../dev/null"}`)},
		{Name: "kid a query", Request: b.head(`{"alg":"EdDSA","kid":"x' OR '1'='1"}`)},
		{Name: "kid too long", Request: b.head(`{"alg":"EdDSA","kid":"` + strings.Repeat("k", 300) + `"}`)},
		{Name: "jwk", Request: ownKey(`"jwk":` + string(jwk))},
		{Name: "jku", Request: ownKey(`"jku":"https://mallory.example/keys"`)},
		{Name: "x5u", Request: ownKey(`"x5u":"https://mallory.example/chain"`)},
		{Name: "x5c", Request: ownKey(`"x5c":["AAAA"]`)},
		{Name: "jku beside a right signature", Request: b.head(`{"alg":"EdDSA","kid":"ed","jku":"https://id.example/keys"}`)},
		{Name: "jwk null", Request: b.head(`{"alg":"EdDSA","kid":"ed","jwk":null}`)},
		{Name: "crit", Request: b.head(`{"alg":"EdDSA","kid":"ed","crit":["exp"],"exp":1}`)},
		{Name: "b64", Request: b.head(`{"alg":"EdDSA","kid":"ed","crit":["b64"],"b64":true}`)},
		{Name: "compressed", Request: b.head(`{"alg":"EdDSA","kid":"ed","zip":"DEF"}`)},
		{Name: "typ of a logout token", Request: b.head(`{"alg":"EdDSA","kid":"ed","typ":"logout+jwt"}`)},
		{Name: "typ no text", Request: b.head(`{"alg":"EdDSA","kid":"ed","typ":null}`)},
		{Name: "alg twice", Request: b.head(`{"alg":"none","alg":"EdDSA","kid":"ed"}`)},
		{Name: "kid twice, escaped", Request: b.head(`{"alg":"EdDSA","kid":"ed","\u006bid":"ed"}`)},
		{Name: "header with a lone surrogate", Request: b.head(`{"alg":"EdDSA","kid":"ed","x":"\ud800"}`)},
		{Name: "header not JSON", Request: b.head(`{"alg":"EdDSA","kid":"ed",}`)},
		{Name: "header null", Request: b.head(`null`)},
		{Name: "header a list", Request: b.head(`["alg","EdDSA"]`)},
		{Name: "junk after header", Request: b.head(b.goodHead + `{}`)},
	}
}

func (b *jwtBench) claimAttacks() []identitytest.Attempt {
	c := goodClaims()
	in := func(d time.Duration) int64 { return noon.Add(d).Unix() }
	inner := strings.TrimPrefix(c.with(), "{")
	attempts := []identitytest.Attempt{}
	for _, a := range []struct{ name, payload string }{
		{"iss missing", c.with("iss", nil)}, {"iss of another", c.with("iss", "https://mallory.example")},
		{"iss with slash", c.with("iss", "https://id.example/")}, {"iss in capitals only", c.with("iss", nil, "ISS", "https://id.example")},
		{"iss a list", c.with("iss", []string{"https://id.example"})},
		{"aud missing", c.with("aud", nil)}, {"aud of another", c.with("aud", "other")}, {"aud empty", c.with("aud", []string{})},
		{"aud longer", c.with("aud", "hukougate2")}, {"aud an object", c.with("aud", claims{"hukougate": 1})}, {"aud mixed", c.with("aud", []any{"hukougate", 1})},
		{"sub missing", c.with("sub", nil)}, {"sub unknown", c.with("sub", "system:other")}, {"sub a number", c.with("sub", 1)},
		{"exp missing", c.with("exp", nil)}, {"exp null", `{"exp":null,` + strings.TrimPrefix(c.with("exp", nil), "{")},
		{"exp past", c.with("exp", in(-30*time.Second))}, {"exp text", c.with("exp", fmt.Sprint(in(time.Minute)))},
		{"exp huge", `{"exp":1e300,` + strings.TrimPrefix(c.with("exp", nil), "{")},
		{"exp beyond float", `{"exp":1e400,` + strings.TrimPrefix(c.with("exp", nil), "{")},
		{"exp near overflow", c.with("exp", int64(1)<<61)}, {"exp before iat", c.with("iat", in(20*time.Second), "exp", in(10*time.Second))},
		{"iat missing", c.with("iat", nil)}, {"iat in the future", c.with("iat", in(31*time.Second))},
		{"iat far past", c.with("iat", -(int64(1) << 61))},
		{"lifetime too long", c.with("iat", in(0), "exp", in(time.Hour+time.Second))},
		{"nbf in the future", c.with("nbf", in(31*time.Second))}, {"nbf near overflow", c.with("nbf", int64(1)<<61)}, {"nbf text", c.with("nbf", "0")},
		{"sub twice", `{"sub":"system:other",` + inner}, {"sub twice, escaped", `{"\u0073ub":"system:bank",` + inner},
		{"exp twice", `{"exp":1,` + inner}, {"deep duplicate", `{"x":[{"a":1,"a":2}],` + inner},
		{"lone surrogate", `{"x":"\ud800",` + inner}, {"invalid UTF-8", "{\"x\":\"\xff\"," + inner},
		{"trailing object", c.with() + "{}"}, {"trailing comma", strings.TrimSuffix(c.with(), "}") + ",}"},
		{"a list", "[" + c.with() + "]"}, {"empty", ""}, {"empty object", "{}"}, {"null", "null"},
	} {
		attempts = append(attempts, identitytest.Attempt{Name: "claims/" + a.name, Request: b.body(a.payload)})
	}
	return attempts
}

func TestNewJWTAuthenticatorRefuses(t *testing.T) {
	base := identity.JWTConfig{Issuer: "https://id.example", Audience: "hukougate", Algorithms: []string{"ES256"}, Keys: fixedKeys{}}
	if _, err := identity.NewJWTAuthenticator(base); err != nil {
		t.Fatal(err)
	}
	change := func(f func(*identity.JWTConfig)) identity.JWTConfig { c := base; f(&c); return c }
	for name, c := range map[string]identity.JWTConfig{
		"zero":              {},
		"no issuer":         change(func(c *identity.JWTConfig) { c.Issuer = "" }),
		"no audience":       change(func(c *identity.JWTConfig) { c.Audience = "" }),
		"no keys":           change(func(c *identity.JWTConfig) { c.Keys = nil }),
		"no algorithm":      change(func(c *identity.JWTConfig) { c.Algorithms = nil }),
		"none":              change(func(c *identity.JWTConfig) { c.Algorithms = []string{"ES256", "none"} }),
		"HS256":             change(func(c *identity.JWTConfig) { c.Algorithms = []string{"HS256"} }),
		"empty algorithm":   change(func(c *identity.JWTConfig) { c.Algorithms = []string{""} }),
		"negative lifetime": change(func(c *identity.JWTConfig) { c.MaxLifetime = -1 }),
	} {
		if a, err := identity.NewJWTAuthenticator(c); err == nil || a != nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, err := (&identity.JWTAuthenticator{}).Authenticate(request("Authorization", "Bearer a.b.c"), nil); !errors.Is(err, identity.ErrInvalid) {
		t.Errorf("the zero authenticator: %v", err)
	}
}

func TestAuthorizationWithoutJWTIsRefused(t *testing.T) {
	b := newBench(t)
	d := mustLoad(t, tokenDirectory)
	r := b.body(goodClaims().with())()
	if _, why := identity.Identify(r, d, list(apiKeys(t, ring{}), certificates(t, nil))); why != access.CredentialInvalid {
		t.Errorf("%q", why)
	}
}

func FuzzBearer(f *testing.F) {
	b := newBench(f)
	good := signed(f, b.goodHead, goodClaims().with(), b.ed, "EdDSA")
	d := mustLoad(f, tokenDirectory)
	a := tokens(f, b.keys, "EdDSA", "RS256", "ES256")
	signedPart := good[:strings.LastIndexByte(good, '.')]
	f.Add("Bearer " + good)
	f.Add("Bearer " + signed(f, `{"alg":"none","kid":"ed"}`, goodClaims().with(), nil, ""))
	f.Add("bearer a.b.c")
	f.Fuzz(func(t *testing.T, value string) {
		id, err := a.Authenticate(request("Authorization", value), d)
		// Only what was signed may be accepted, whatever is done to the rest.
		if err == nil && !strings.HasPrefix(strings.TrimPrefix(strings.ToLower(value), "bearer "), strings.ToLower(signedPart)+".") {
			t.Errorf("accepted a token never signed: %q", value)
		}
		if (err == nil) != (id != "") {
			t.Errorf("%q with %v", id, err)
		}
	})
}
