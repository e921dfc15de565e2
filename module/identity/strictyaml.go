package identity

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/agext/levenshtein"
	"go.yaml.in/yaml/v3"
)

// Problem is one fault of a callers file: where it is and what to do. Its text
// names keys and caller ids, never a hash, a subject or a unit.
type Problem struct {
	File string
	Line int // 0: the file as a whole
	Text string
}

func (p *Problem) Error() string {
	if p.Line == 0 {
		return p.File + ": " + p.Text
	}
	return fmt.Sprintf("%s:%d: %s", p.File, p.Line, p.Text)
}

// problems gathers the faults of one file, so that all are told at once.
type problems struct {
	file string
	list []*Problem
}

func (p *problems) add(line int, format string, args ...any) {
	p.list = append(p.list, &Problem{File: p.file, Line: line, Text: fmt.Sprintf(format, args...)})
}

// err joins the faults in the order of their lines; nil when there are none.
func (p *problems) err() error {
	slices.SortStableFunc(p.list, func(a, b *Problem) int { return a.Line - b.Line })
	all := make([]error, len(p.list))
	for i, one := range p.list {
		all[i] = one
	}
	return errors.Join(all...)
}

// document parses exactly one YAML document.
func (p *problems) document(data []byte) *yaml.Node {
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var doc, more yaml.Node
	if err := dec.Decode(&doc); errors.Is(err, io.EOF) {
		p.add(0, "the file is empty")
		return nil
	} else if err != nil {
		p.add(0, "not YAML: %v", err)
		return nil
	}
	if err := dec.Decode(&more); !errors.Is(err, io.EOF) {
		p.add(more.Line, "something follows the first document")
		return nil
	}
	if len(doc.Content) != 1 {
		p.add(0, "the file is empty")
		return nil
	}
	return doc.Content[0]
}

// fields returns the values of a mapping by key. Unknown and repeated keys are
// faults. what names the mapping in the message.
func (p *problems) fields(n *yaml.Node, what string, known ...string) map[string]*yaml.Node {
	// Aliases are refused with every other wrong kind: they let a short file
	// become a long one, and a reviewer miss what an entry says.
	if n.Kind != yaml.MappingNode {
		p.add(n.Line, "%s must be a mapping of: %s", what, strings.Join(known, ", "))
		return nil
	}
	found := map[string]*yaml.Node{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		switch {
		case key.Kind != yaml.ScalarNode || !slices.Contains(known, key.Value):
			p.add(key.Line, "unknown key %s in %s%s", word(key.Value), what, suggest(key.Value, known))
		case found[key.Value] != nil:
			p.add(key.Line, "key %q stands twice in %s", key.Value, what)
		default:
			found[key.Value] = value
		}
	}
	return found
}

// sequence returns the entries of a list; a missing list is empty.
func (p *problems) sequence(n *yaml.Node, key string) []*yaml.Node {
	if n == nil {
		return nil
	}
	if n.Kind != yaml.SequenceNode {
		p.add(n.Line, "%s must be a list", key)
		return nil
	}
	return n.Content
}

// text returns a scalar that is text. Numbers, dates, true and null are not:
// unquoted, YAML would change what the author wrote.
func (p *problems) text(parent, n *yaml.Node, key string) (string, bool) {
	switch {
	case n == nil:
		p.add(parent.Line, "%s is missing", key)
	case n.Kind != yaml.ScalarNode || n.ShortTag() != "!!str":
		p.add(n.Line, "%s must be text; put it in quotes", key)
	case n.Value == "":
		p.add(n.Line, "%s is empty", key)
	default:
		return n.Value, true
	}
	return "", false
}

// scalar returns a scalar as written, whatever YAML takes it for: 64 hex digits
// may happen to look like a number.
func (p *problems) scalar(parent, n *yaml.Node, key string) (string, bool) {
	switch {
	case n == nil:
		p.add(parent.Line, "%s is missing", key)
	case n.Kind != yaml.ScalarNode || n.Value == "":
		p.add(n.Line, "%s must be a single value", key)
	default:
		return n.Value, true
	}
	return "", false
}

var shortWord = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,32}$`)

// word quotes a wrong word, unless it may be something pasted by mistake.
func word(s string) string {
	if !shortWord.MatchString(s) {
		return "(not shown)"
	}
	return fmt.Sprintf("%q", s)
}

// suggest names the nearest of the right words, or all when none is near.
func suggest(wrong string, right []string) string {
	best, distance := "", 1+max(2, len(wrong)/3)
	for _, r := range right {
		if d := levenshtein.Distance(strings.ToLower(wrong), r, nil); d < distance {
			best, distance = r, d
		}
	}
	if best == "" {
		return "; known: " + strings.Join(right, ", ")
	}
	return fmt.Sprintf("; did you mean %q?", best)
}
