package identity

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"hukougate/module/access"
	"hukougate/module/strictyaml"
)

// callersFile is the callers file as its author writes it. What YAML could take
// for something else must be quoted, except digests and versions: 64 hex digits
// may happen to look like a number.
type callersFile struct {
	Callers []callerYAML `yaml:"callers" need:"yes"`
}

type callerYAML struct {
	ID                 strictyaml.Text   `yaml:"id" need:"yes" text:"only"`
	Unit               strictyaml.Text   `yaml:"unit" need:"yes" text:"only"`
	Kind               strictyaml.Text   `yaml:"kind" need:"yes" text:"only"`
	DefaultApplication strictyaml.Text   `yaml:"default_application" text:"only"`
	APIKeys            []apiKeyYAML      `yaml:"api_keys"`
	Certificates       []certificateYAML `yaml:"client_certificates"`
	Tokens             []tokenYAML       `yaml:"tokens"`
}

type apiKeyYAML struct {
	ID     strictyaml.Text `yaml:"id" need:"yes" text:"only"`
	Pepper strictyaml.Text `yaml:"pepper" need:"yes"`
	Hash   strictyaml.Text `yaml:"hash" need:"yes"`
}

type certificateYAML struct {
	SHA256 strictyaml.Text `yaml:"sha256" need:"one"`
	DNS    strictyaml.Text `yaml:"dns" need:"one" text:"only"`
	URI    strictyaml.Text `yaml:"uri" need:"one" text:"only"`
}

type tokenYAML struct {
	Issuer  strictyaml.Text `yaml:"issuer" need:"yes" text:"only"`
	Subject strictyaml.Text `yaml:"subject" need:"yes" text:"only"`
}

var (
	callerIDForm    = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{1,62}$`)
	applicationForm = regexp.MustCompile(`^[A-Z0-9][A-Z0-9-]{2,62}$`)
	keyIDForm       = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,31}$`)
	dnsForm         = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)
)

// LoadDirectory reads a callers file (YAML; the shape stands in the package's
// example test). name is used in messages only. Anything not understood is an
// error, as is an id or a credential that stands twice. The error is a
// strictyaml.Problems: all faults of shape, or else all of content. It never
// shows a hash, a subject or a unit.
func LoadDirectory(name string, data []byte) (*Directory, error) {
	var file callersFile
	if ps := strictyaml.Decode(name, data, &file); len(ps) > 0 {
		return nil, ps
	}
	l := &loader{file: name, seen: map[string]sighting{}, d: &Directory{
		byID:         map[string]int{},
		apiKeys:      map[string]apiKeyEntry{},
		fingerprints: map[[sha256.Size]byte]string{},
		dnsNames:     map[string]string{},
		uris:         map[string]string{},
		tokens:       map[tokenName]string{},
	}}
	for i := range file.Callers {
		l.caller(&file.Callers[i])
	}
	if len(l.problems) > 0 {
		l.problems.Sort()
		return nil, l.problems
	}
	return l.d, nil
}

type sighting struct {
	caller string
	line   int
}

// loader fills d, which is used only if there are no problems.
type loader struct {
	file     string
	problems strictyaml.Problems
	d        *Directory
	seen     map[string]sighting // credentials and ids, by kind and value
}

// need returns ok, and complains about a word when it is false.
func (l *loader) need(ok bool, at strictyaml.Text, format string, args ...any) bool {
	if !ok {
		l.problems = append(l.problems, at.At(l.file, fmt.Sprintf(format, args...)))
	}
	return ok
}

// once reports whether a value of a kind is new, and complains when it is not.
// Two callers with one credential could not be told apart.
func (l *loader) once(at strictyaml.Text, caller, kind, value string) bool {
	before, twice := l.seen[kind+"\x00"+value]
	if !twice {
		l.seen[kind+"\x00"+value] = sighting{caller, at.Line}
	}
	return l.need(!twice, at, "this %s stands twice: line %d (caller %s) has it too", kind, before.line, strictyaml.Quote(before.caller))
}

func (l *loader) caller(y *callerYAML) {
	c := access.Caller{ID: y.ID.Value, Unit: y.Unit.Value, Kind: access.CallerKind(y.Kind.Value), DefaultApplication: y.DefaultApplication.Value}
	if l.need(callerIDForm.MatchString(c.ID), y.ID, "id %s must be 2 to 63 of a-z, 0-9 and -, not starting with -", strictyaml.Quote(c.ID)) &&
		l.once(y.ID, c.ID, "id", c.ID) {
		l.d.byID[c.ID] = len(l.d.callers)
		l.d.callers = append(l.d.callers, c)
	}
	l.need(c.Unit != "" && len(c.Unit) <= 300 && strings.TrimSpace(c.Unit) == c.Unit && !strings.ContainsFunc(c.Unit, unprintable),
		y.Unit, "unit must be 1 to 300 bytes of printable text without space at either end")
	if c.Kind != access.Internal && c.Kind != access.External {
		l.problems = append(l.problems, y.Kind.At(l.file, "kind "+strictyaml.Quote(y.Kind.Value)+" is neither internal nor external",
			string(access.Internal), string(access.External)))
	}
	l.need(y.DefaultApplication.Line == 0 || applicationForm.MatchString(c.DefaultApplication), y.DefaultApplication,
		"default_application %s must be 3 to 63 of A-Z, 0-9 and -, not starting with -", strictyaml.Quote(c.DefaultApplication))
	for _, k := range y.APIKeys {
		l.apiKey(k, c.ID)
	}
	for _, k := range y.Certificates {
		l.certificate(k, c.ID)
	}
	for _, k := range y.Tokens {
		l.token(k, c.ID)
	}
}

// unprintable finds what could break a log line or hide in it, and the
// replacement character, which stands for bytes that were something else.
func unprintable(r rune) bool { return !unicode.IsPrint(r) || r == utf8.RuneError }

func (l *loader) apiKey(y apiKeyYAML, caller string) {
	id := y.ID.Value
	version, err := strconv.Atoi(y.Pepper.Value)
	l.need(err == nil && version >= 1 && strconv.Itoa(version) == y.Pepper.Value, y.Pepper, "pepper must be a key version, 1 or more")
	hash, _ := l.digest(y.Hash, "hash")
	if l.need(keyIDForm.MatchString(id), y.ID, "id of an API key %s must be 1 to 32 of a-z, 0-9 and -, not starting with -", strictyaml.Quote(id)) &&
		l.once(y.ID, caller, "API key id", id) {
		l.d.apiKeys[id] = apiKeyEntry{caller: caller, pepper: version, hash: hash}
	}
}

// digest reads 64 hexadecimal digits. The value is never shown: it may be the
// key itself, pasted in the wrong place.
func (l *loader) digest(t strictyaml.Text, key string) (sum [sha256.Size]byte, ok bool) {
	raw, err := hex.DecodeString(t.Value)
	if !l.need(err == nil && len(raw) == sha256.Size, t, "%s must be %d hexadecimal digits", key, 2*sha256.Size) {
		return sum, false
	}
	return [sha256.Size]byte(raw), true
}

// certificate reads the one way of naming a certificate that an entry has.
func (l *loader) certificate(y certificateYAML, caller string) {
	switch dns, uri := y.DNS.Value, y.URI.Value; {
	case y.SHA256.Line > 0:
		if sum, ok := l.digest(y.SHA256, "sha256"); ok && l.once(y.SHA256, caller, "certificate", string(sum[:])) {
			l.d.fingerprints[sum] = caller
		}
	case y.DNS.Line > 0:
		if l.need(len(dns) <= 253 && dnsForm.MatchString(dns), y.DNS, "dns must be a whole host name in lower case, without wildcard") &&
			l.once(y.DNS, caller, "DNS name", dns) {
			l.d.dnsNames[dns] = caller
		}
	default:
		if l.need(absoluteURI(uri), y.URI, "uri must be an absolute URI with a host, such as spiffe://unit.example/system") &&
			l.once(y.URI, caller, "URI", uri) {
			l.d.uris[uri] = caller
		}
	}
}

func absoluteURI(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Scheme != "" && u.Host != "" && u.User == nil && u.String() == s
}

func (l *loader) token(y tokenYAML, caller string) {
	t := tokenName{y.Issuer.Value, y.Subject.Value}
	issuerOK := l.need(claimText(t.issuer), y.Issuer, "issuer must be at most 512 bytes of printable text, as in the tokens' iss")
	subjectOK := l.need(claimText(t.subject), y.Subject, "subject must be at most 512 bytes of printable text, as in the tokens' sub")
	if issuerOK && subjectOK && l.once(y.Issuer, caller, "issuer and subject", t.issuer+"\x00"+t.subject) {
		l.d.tokens[t] = caller
	}
}

func claimText(s string) bool {
	return s != "" && len(s) <= 512 && utf8.ValidString(s) && !strings.ContainsFunc(s, unprintable)
}
