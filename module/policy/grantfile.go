package policy

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

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

// ParseGrant reads the body of a grant file (without its signatures). Problems
// name file, line and the nearest right word.
func ParseGrant(file string, body []byte) (access.Grant, error) {
	var y grantYAML
	if ps := strictyaml.Decode(file, body, &y); len(ps) > 0 {
		return access.Grant{}, ps
	}
	var ps strictyaml.Problems
	instant := func(t strictyaml.Text) time.Time {
		at, err := time.Parse(time.RFC3339, t.Value)
		if err != nil {
			ps = append(ps, t.At(file, fmt.Sprintf("%q is not a time such as 2026-01-01T00:00:00+08:00", t)))
		}
		return at
	}
	sum := sha256.Sum256(body)
	g := access.Grant{
		Application: y.Application.Value, Revision: y.Revision, Caller: y.Caller.Value, Unit: y.Unit.Value, Role: y.Role.Value,
		Purpose: y.Purpose.Value, LegalBasis: y.LegalBasis.Value, Scope: y.Scope.Value,
		Resources: words(y.Resources), Fields: words(y.Fields),
		NotBefore: instant(y.NotBefore), NotAfter: instant(y.NotAfter), Agreement: instant(y.Agreement),
		Budget:  access.GrantBudget{RequestsPerMinute: y.Budget.RequestsPerMinute, PersonsPerDay: y.Budget.PersonsPerDay},
		Revoked: y.Revoked, Digest: hex.EncodeToString(sum[:]),
	}
	need := func(ok bool, at strictyaml.Text, message string) {
		if !ok {
			ps = append(ps, at.At(file, message))
		}
	}
	need(ValidApplication(g.Application), y.Application, "an application number is capital letters, digits and dashes")
	need(callerID.MatchString(g.Caller), y.Caller, "a caller id is small letters, digits and dashes")
	need(g.Revision >= 1, y.Application, "revision starts at 1")
	need(g.NotBefore.Before(g.NotAfter), y.NotAfter, "not_after is not later than not_before")
	need(g.Budget.RequestsPerMinute >= 0 && g.Budget.PersonsPerDay >= 0, y.Application, "a budget is not negative")
	need(len(g.Resources) > 0, y.Application, "resources is empty")
	need(len(g.LegalBasis) > 0 && len(g.LegalBasis) <= 500, y.LegalBasis, "legal_basis is empty or longer than 500 bytes")
	return g, ps.Err()
}

func words(texts []strictyaml.Text) []string {
	var out []string
	for _, t := range texts {
		out = append(out, t.Value)
	}
	return out
}

// CheckAgainst reports what in a grant does not fit a bundle; such a grant is
// loaded but every query under it is refused with grant_invalid.
func CheckAgainst(file string, g access.Grant, s *rules.Snapshot) error {
	var ps strictyaml.Problems
	known := func(what, word string, ok bool, all []string) {
		if !ok {
			ps = append(ps, strictyaml.Problem{File: file, Message: fmt.Sprintf("%s %q is not in the rules", what, word), Nearest: strictyaml.Nearest(word, all)})
		}
	}
	var roles, purposes, scopes, resources, fields []string
	for _, r := range s.Roles {
		roles = append(roles, r.ID)
	}
	for _, p := range s.Purposes {
		purposes = append(purposes, p.ID)
	}
	for _, c := range s.Scopes {
		scopes = append(scopes, c.ID)
	}
	for _, r := range s.Resources {
		resources = append(resources, r.ID)
	}
	for _, f := range s.Fields {
		fields = append(fields, f.ID)
	}
	known("role", g.Role, slices.Contains(roles, g.Role), roles)
	known("purpose", g.Purpose, slices.Contains(purposes, g.Purpose), purposes)
	known("scope", g.Scope, slices.Contains(scopes, g.Scope), scopes)
	for _, r := range g.Resources {
		known("resource", r, slices.Contains(resources, r), resources)
	}
	for _, f := range g.Fields {
		known("field", f, slices.Contains(fields, f), fields)
	}
	if scope := s.Scope(g.Scope); scope != nil {
		if !slices.Contains(scope.Purposes, g.Purpose) {
			known("for this purpose, scope", g.Scope, false, nil)
		}
		if scope.NamedItems && len(g.Fields) == 0 {
			ps = append(ps, strictyaml.Problem{File: file, Message: fmt.Sprintf("scope %q needs the grant to name its fields", g.Scope)})
		}
	}
	if len(ps) > 0 {
		return ps
	}
	if !slices.ContainsFunc(s.Policies, func(p []string) bool {
		return p[0] == g.Role && p[1] == g.Purpose && p[4] == g.Scope && p[5] == "allow"
	}) {
		return errors.New(file + ": no policy line allows this role, purpose and scope anything")
	}
	return nil
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
	quoted("not_before", g.NotBefore.Format(time.RFC3339))
	quoted("not_after", g.NotAfter.Format(time.RFC3339))
	quoted("agreement_until", g.Agreement.Format(time.RFC3339))
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
