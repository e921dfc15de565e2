package identity

import (
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"hukougate/module/access"
)

// maxDirectory bounds a callers file, in bytes.
const maxDirectory = 4 << 20

var (
	callerIDForm    = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{1,62}$`)
	applicationForm = regexp.MustCompile(`^[A-Z0-9][A-Z0-9-]{2,62}$`)
	keyIDForm       = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,31}$`)
	dnsForm         = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)
)

// LoadDirectory reads a callers file (YAML; the shape stands in the package's
// example test). name is used in messages only. Anything not understood is an
// error, as is an id or a credential that stands twice; the error joins one
// *Problem per fault.
func LoadDirectory(name string, data []byte) (*Directory, error) {
	p := &problems{file: name}
	if len(data) > maxDirectory {
		p.add(0, "the file is larger than %d bytes", maxDirectory)
		return nil, p.err()
	}
	if !utf8.Valid(data) {
		p.add(0, "the file is not UTF-8")
		return nil, p.err()
	}
	root := p.document(data)
	if root == nil {
		return nil, p.err()
	}
	l := &loader{problems: p, seen: map[string]sighting{}, d: &Directory{
		byID:         map[string]int{},
		apiKeys:      map[string]apiKeyEntry{},
		fingerprints: map[[sha256.Size]byte]string{},
		dnsNames:     map[string]string{},
		uris:         map[string]string{},
		tokens:       map[tokenName]string{},
	}}
	fields := p.fields(root, "the file", "callers")
	if fields != nil && fields["callers"] == nil {
		p.add(root.Line, "callers is missing")
	}
	for _, n := range p.sequence(fields["callers"], "callers") {
		l.caller(n)
	}
	if err := p.err(); err != nil {
		return nil, err
	}
	return l.d, nil
}

type sighting struct {
	caller string
	line   int
}

type loader struct {
	*problems
	d    *Directory
	seen map[string]sighting // credentials and ids, by kind and value
}

// once reports whether a value of a kind is new, and complains when it is not.
// Two callers with one credential could not be told apart.
func (l *loader) once(n *yaml.Node, caller, kind, value string) bool {
	before, twice := l.seen[kind+"\x00"+value]
	if twice {
		l.add(n.Line, "this %s stands twice: line %d (caller %s) has it too", kind, before.line, word(before.caller))
		return false
	}
	l.seen[kind+"\x00"+value] = sighting{caller, n.Line}
	return true
}

func (l *loader) caller(n *yaml.Node) {
	f := l.fields(n, "a caller", "id", "unit", "kind", "default_application", "api_keys", "client_certificates", "tokens")
	if f == nil {
		return
	}
	id, ok := l.text(n, f["id"], "id")
	if !ok {
		return
	}
	if !callerIDForm.MatchString(id) {
		l.add(f["id"].Line, "id %s must be 2 to 63 of a-z, 0-9 and -, not starting with -", word(id))
		return
	}
	fresh := l.once(f["id"], id, "id", id)
	c := access.Caller{ID: id, Unit: l.unit(n, f["unit"]), Kind: l.kind(n, f["kind"])}
	if a := f["default_application"]; a != nil {
		c.DefaultApplication, ok = l.text(n, a, "default_application")
		if ok && !applicationForm.MatchString(c.DefaultApplication) {
			l.add(a.Line, "default_application %s must be 3 to 63 of A-Z, 0-9 and -, not starting with -", word(c.DefaultApplication))
		}
	}
	for _, k := range l.sequence(f["api_keys"], "api_keys") {
		l.apiKey(k, id)
	}
	for _, k := range l.sequence(f["client_certificates"], "client_certificates") {
		l.certificate(k, id)
	}
	for _, k := range l.sequence(f["tokens"], "tokens") {
		l.token(k, id)
	}
	if fresh {
		l.d.byID[id] = len(l.d.callers)
		l.d.callers = append(l.d.callers, c)
	}
}

func (l *loader) unit(parent, n *yaml.Node) string {
	unit, ok := l.text(parent, n, "unit")
	if ok && (len(unit) > 300 || strings.TrimSpace(unit) != unit || strings.ContainsFunc(unit, unprintable)) {
		l.add(n.Line, "unit must be at most 300 bytes of printable text without space at either end")
	}
	return unit
}

// unprintable finds what could break a log line or hide in it, and the
// replacement character, which stands for bytes that were something else.
func unprintable(r rune) bool { return !unicode.IsPrint(r) || r == utf8.RuneError }

func (l *loader) kind(parent, n *yaml.Node) access.CallerKind {
	kind, ok := l.text(parent, n, "kind")
	known := []string{string(access.Internal), string(access.External)}
	if ok && kind != known[0] && kind != known[1] {
		l.add(n.Line, "unknown kind %s%s", word(kind), suggest(kind, known))
	}
	return access.CallerKind(kind)
}

func (l *loader) apiKey(n *yaml.Node, caller string) {
	f := l.fields(n, "an API key", "id", "pepper", "hash")
	if f == nil {
		return
	}
	id, idOK := l.text(n, f["id"], "id of an API key")
	if idOK && !keyIDForm.MatchString(id) {
		l.add(f["id"].Line, "id of an API key %s must be 1 to 32 of a-z, 0-9 and -, not starting with -", word(id))
		idOK = false
	}
	pepper, pepperOK := l.scalar(n, f["pepper"], "pepper")
	version, err := strconv.Atoi(pepper)
	if pepperOK && (err != nil || version < 1 || strconv.Itoa(version) != pepper) {
		l.add(f["pepper"].Line, "pepper must be a key version, 1 or more")
		pepperOK = false
	}
	hash, hashOK := l.digest(n, f["hash"], "hash")
	if idOK && pepperOK && hashOK && l.once(n, caller, "API key id", id) {
		l.d.apiKeys[id] = apiKeyEntry{caller: caller, pepper: version, hash: hash}
	}
}

// digest reads 64 hexadecimal digits. The value is never shown: it may be the
// key itself, pasted in the wrong place.
func (l *loader) digest(parent, n *yaml.Node, key string) (sum [sha256.Size]byte, ok bool) {
	text, ok := l.scalar(parent, n, key)
	if !ok {
		return sum, false
	}
	raw, err := hex.DecodeString(text)
	if err != nil || len(raw) != sha256.Size {
		l.add(n.Line, "%s must be %d hexadecimal digits", key, 2*sha256.Size)
		return sum, false
	}
	return [sha256.Size]byte(raw), true
}

func (l *loader) certificate(n *yaml.Node, caller string) {
	f := l.fields(n, "a client certificate", "sha256", "dns", "uri")
	if f == nil {
		return
	}
	if len(f) != 1 {
		l.add(n.Line, "a client certificate is named by exactly one of sha256, dns, uri")
		return
	}
	if v := f["sha256"]; v != nil {
		if sum, ok := l.digest(n, v, "sha256"); ok && l.once(v, caller, "certificate", string(sum[:])) {
			l.d.fingerprints[sum] = caller
		}
	}
	if v := f["dns"]; v != nil {
		name, ok := l.text(n, v, "dns")
		if ok && (len(name) > 253 || !dnsForm.MatchString(name)) {
			l.add(v.Line, "dns must be a whole host name in lower case, without wildcard")
		} else if ok && l.once(v, caller, "DNS name", name) {
			l.d.dnsNames[name] = caller
		}
	}
	if v := f["uri"]; v != nil {
		uri, ok := l.text(n, v, "uri")
		if ok && !absoluteURI(uri) {
			l.add(v.Line, "uri must be an absolute URI with a host, such as spiffe://unit.example/system")
		} else if ok && l.once(v, caller, "URI", uri) {
			l.d.uris[uri] = caller
		}
	}
}

func absoluteURI(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Scheme != "" && u.Host != "" && u.User == nil && u.String() == s
}

func (l *loader) token(n *yaml.Node, caller string) {
	f := l.fields(n, "a token", "issuer", "subject")
	if f == nil {
		return
	}
	issuer, issuerOK := l.text(n, f["issuer"], "issuer")
	if issuerOK && !claimText(issuer) {
		l.add(f["issuer"].Line, "issuer must be at most 512 bytes of printable text, as in the tokens' iss")
		issuerOK = false
	}
	subject, subjectOK := l.text(n, f["subject"], "subject")
	if subjectOK && !claimText(subject) {
		l.add(f["subject"].Line, "subject must be at most 512 bytes of printable text, as in the tokens' sub")
		subjectOK = false
	}
	if issuerOK && subjectOK && l.once(n, caller, "issuer and subject", issuer+"\x00"+subject) {
		l.d.tokens[tokenName{issuer, subject}] = caller
	}
}

func claimText(s string) bool {
	return s != "" && len(s) <= 512 && utf8.ValidString(s) && !strings.ContainsFunc(s, unprintable)
}
