package policy

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"hukougate/module/access"
	"hukougate/module/rules"
	"hukougate/module/strictyaml"
)

// grantYAML is a grant as it is written and signed.
type grantYAML struct {
	Application strictyaml.Text   `yaml:"application" need:"yes"`
	Revision    int               `yaml:"revision" need:"yes"`
	Caller      strictyaml.Text   `yaml:"caller" need:"yes"`
	Unit        strictyaml.Text   `yaml:"unit" need:"yes"`
	Role        strictyaml.Text   `yaml:"role" need:"yes"`
	Purpose     strictyaml.Text   `yaml:"purpose" need:"yes"`
	LegalBasis  strictyaml.Text   `yaml:"legal_basis" need:"yes"`
	Scope       strictyaml.Text   `yaml:"scope" need:"yes"`
	Resources   []strictyaml.Text `yaml:"resources" need:"yes"`
	Fields      []strictyaml.Text `yaml:"fields"`
	NotBefore   strictyaml.Text   `yaml:"not_before" need:"yes"`
	NotAfter    strictyaml.Text   `yaml:"not_after" need:"yes"`
	Agreement   strictyaml.Text   `yaml:"agreement_until" need:"yes"`
	Budget      budgetYAML        `yaml:"budget"`
	Revoked     bool              `yaml:"revoked"`
}

type budgetYAML struct {
	RequestsPerMinute int `yaml:"requests_per_minute"`
	PersonsPerDay     int `yaml:"persons_per_day"`
}

var (
	// applicationNumber keeps numbers to letters, digits and dashes: they stand
	// in headers, file names and Casbin rules.
	applicationNumber = regexp.MustCompile(`^[A-Z0-9][A-Z0-9-]{2,62}$`)
	callerID          = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{1,62}$`)
)

// ValidApplication reports whether text has the form of an application number.
func ValidApplication(text string) bool { return applicationNumber.MatchString(text) }

// maxText bounds unit and legal basis, in characters: 250 are at most 1000 bytes,
// and the ledger's texts 1024. maxRevision leaves room to be raised and is exact
// in every JSON reader.
const (
	maxText     = 250
	maxRevision = 1_000_000_000
)

// recordable reports whether a text can stand in the ledger: what can't be
// recorded must not be decided upon.
func recordable(text string) bool {
	return strings.TrimSpace(text) != "" && utf8.ValidString(text) && utf8.RuneCountInString(text) <= maxText && !strings.ContainsFunc(text, unrecordable)
}

// unrecordable tells the characters the ledger's format v1 refuses: controls,
// line separators and the bidirectional controls of UAX #9. They are spelt out
// there because the format is permanent; a test holds the two lists together.
func unrecordable(r rune) bool {
	return r < 0x20 || r >= 0x7f && r <= 0x9f || r == 0x061c || r == 0x200e || r == 0x200f ||
		r >= 0x2028 && r <= 0x202e || r >= 0x2066 && r <= 0x2069
}

// ParseGrant reads the body of a grant file (without its signatures). Problems
// name file, line and the nearest right word; on any there is no grant.
func ParseGrant(file string, body []byte) (access.Grant, error) {
	var y grantYAML
	if ps := strictyaml.Decode(file, body, &y); len(ps) > 0 {
		return access.Grant{}, ps
	}
	r := grantReader{file: file}
	g := r.read(&y)
	if r.check(&y, &g); len(r.problems) > 0 {
		return access.Grant{}, r.problems
	}
	sum := sha256.Sum256(body)
	g.Digest = hex.EncodeToString(sum[:])
	return g, nil
}

type grantReader struct {
	file     string
	problems strictyaml.Problems
}

func (r *grantReader) need(ok bool, at strictyaml.Text, message string) {
	if !ok {
		r.problems = append(r.problems, at.At(r.file, message))
	}
}

func (r *grantReader) read(y *grantYAML) access.Grant {
	return access.Grant{
		Application: y.Application.Value, Revision: y.Revision, Caller: y.Caller.Value, Unit: y.Unit.Value, Role: y.Role.Value,
		Purpose: y.Purpose.Value, LegalBasis: y.LegalBasis.Value, Scope: y.Scope.Value,
		Resources: words(y.Resources), Fields: words(y.Fields),
		NotBefore: r.instant(y.NotBefore), NotAfter: r.instant(y.NotAfter), Agreement: r.instant(y.Agreement),
		Budget:  access.GrantBudget{RequestsPerMinute: y.Budget.RequestsPerMinute, PersonsPerDay: y.Budget.PersonsPerDay},
		Revoked: y.Revoked,
	}
}

func (r *grantReader) instant(t strictyaml.Text) time.Time {
	at, err := time.Parse(time.RFC3339, t.Value)
	r.need(err == nil, t, fmt.Sprintf("%q is not a time such as 2026-01-01T00:00:00+08:00", t))
	return at
}

func (r *grantReader) check(y *grantYAML, g *access.Grant) {
	r.need(ValidApplication(g.Application), y.Application, "an application number is capital letters, digits and dashes")
	r.need(callerID.MatchString(g.Caller), y.Caller, "a caller id is small letters, digits and dashes")
	r.need(g.Revision >= 1, y.Application, "revision starts at 1")
	r.need(g.Revision <= maxRevision, y.Application, fmt.Sprintf("revision is at most %d", maxRevision))
	r.need(g.NotBefore.Before(g.NotAfter), y.NotAfter, "not_after is not later than not_before")
	r.need(g.Budget.RequestsPerMinute >= 0 && g.Budget.PersonsPerDay >= 0, y.Application, "a budget is not negative")
	r.need(len(g.Resources) > 0, y.Application, "resources is empty")
	for _, id := range slices.Concat([]strictyaml.Text{y.Role, y.Purpose, y.Scope}, y.Resources, y.Fields) {
		r.need(rules.ValidID(id.Value), id, fmt.Sprintf("%s is not [a-z][a-z0-9_-]*, at most 63 characters", strictyaml.Quote(id.Value)))
	}
	r.need(recordable(g.Unit), y.Unit, fmt.Sprintf("unit is empty, longer than %d characters, or holds a line break or another control character", maxText))
	r.need(recordable(g.LegalBasis), y.LegalBasis, fmt.Sprintf("legal_basis is empty, longer than %d characters, or holds a line break or another control character", maxText))
}

func words(texts []strictyaml.Text) []string {
	var out []string
	for _, t := range texts {
		out = append(out, t.Value)
	}
	return out
}

// FormatGrant writes a grant as YAML, without signatures.
func FormatGrant(g access.Grant) []byte {
	var b strings.Builder
	b.WriteString("# Grant of an approved application (户籍信息查询申请表). Change it only through\n# `hukougate grant …`: any other change breaks its signature.\n")
	line := func(key string, value any) { fmt.Fprintf(&b, "%s: %v\n", key, value) }
	word := func(key, value string) { line(key, formatWord(value)) }
	quoted := func(key, value string) { fmt.Fprintf(&b, "%s: %q\n", key, value) }
	word("application", g.Application)
	line("revision", g.Revision)
	word("caller", g.Caller)
	quoted("unit", g.Unit)
	word("role", g.Role)
	word("purpose", g.Purpose)
	quoted("legal_basis", g.LegalBasis)
	word("scope", g.Scope)
	line("resources", formatWords(g.Resources))
	if len(g.Fields) > 0 {
		line("fields", formatWords(g.Fields))
	}
	quoted("not_before", g.NotBefore.Format(time.RFC3339Nano))
	quoted("not_after", g.NotAfter.Format(time.RFC3339Nano))
	quoted("agreement_until", g.Agreement.Format(time.RFC3339Nano))
	if g.Budget != (access.GrantBudget{}) {
		line("budget", fmt.Sprintf("{requests_per_minute: %d, persons_per_day: %d}", g.Budget.RequestsPerMinute, g.Budget.PersonsPerDay))
	}
	line("revoked", g.Revoked)
	return []byte(b.String())
}

var plainWord = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]*$`)

// formatWord quotes a word that YAML might read as something else, or as more
// than one thing: what is signed must be read back as what was meant.
func formatWord(s string) string {
	if plainWord.MatchString(s) && !strings.EqualFold(s, "null") {
		return s
	}
	return strconv.Quote(s)
}

func formatWords(words []string) string {
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = formatWord(w)
	}
	return "[" + strings.Join(out, ", ") + "]"
}
