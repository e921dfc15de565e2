package rules

import (
	"fmt"
	"regexp"
	"strings"
)

// Template is a path of fixed segments and {parameters}, one whole segment each.
type Template struct {
	text     string
	segments []string // "{name}" for a parameter
}

var (
	fixedSegment = regexp.MustCompile(`^[A-Za-z0-9_~-][A-Za-z0-9._~-]*$`)
	paramSegment = regexp.MustCompile(`^\{[a-z][a-z0-9_]*\}$`)
)

// ParseTemplate reads a path template such as /v1/households/{household_no}/members.
func ParseTemplate(text string) (Template, error) {
	if !strings.HasPrefix(text, "/") || text == "/" {
		return Template{}, fmt.Errorf("a path starts with / and names something: %q", text)
	}
	t := Template{text: text, segments: strings.Split(text[1:], "/")}
	seen := map[string]bool{}
	for _, s := range t.segments {
		switch {
		case paramSegment.MatchString(s) && !seen[s]:
			seen[s] = true
		case !fixedSegment.MatchString(s):
			return Template{}, fmt.Errorf("path %q: segment %q is neither plain nor a {parameter} used once", text, s)
		}
	}
	return t, nil
}

func (t Template) String() string { return t.text }

// Parameters lists the names in the template, in order.
func (t Template) Parameters() []string {
	var out []string
	for _, s := range t.segments {
		if s[0] == '{' {
			out = append(out, s[1:len(s)-1])
		}
	}
	return out
}

// Match compares a canonical path, segment by segment; an empty value never matches.
func (t Template) Match(path string) (map[string]string, bool) {
	if t.text == "" || !strings.HasPrefix(path, "/") {
		return nil, false
	}
	var values map[string]string
	rest := path[1:]
	for i, s := range t.segments {
		segment, after, more := strings.Cut(rest, "/")
		if more != (i < len(t.segments)-1) || segment == "" {
			return nil, false
		}
		switch {
		case s[0] == '{':
			if values == nil {
				values = map[string]string{}
			}
			values[s[1:len(s)-1]] = segment
		case s != segment:
			return nil, false
		}
		rest = after
	}
	return values, true
}

// Expand puts escaped values in place of the parameters. Every parameter must
// have one.
func (t Template) Expand(escaped func(name string) (string, bool)) (string, error) {
	var b strings.Builder
	for _, s := range t.segments {
		b.WriteByte('/')
		if s[0] != '{' {
			b.WriteString(s)
			continue
		}
		v, ok := escaped(s[1 : len(s)-1])
		if !ok || v == "" {
			return "", fmt.Errorf("path %q: no value for %s", t.text, s)
		}
		b.WriteString(v)
	}
	return b.String(), nil
}

// overlaps reports whether some path matches both templates.
func (t Template) overlaps(o Template) bool {
	if len(t.segments) != len(o.segments) {
		return false
	}
	for i, s := range t.segments {
		if s[0] != '{' && o.segments[i][0] != '{' && s != o.segments[i] {
			return false
		}
	}
	return true
}
