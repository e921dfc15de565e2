// Package strictyaml reads a YAML file into a struct and turns every doubt into
// an error that names file, line, the wrong word and the nearest right one. It
// is a leaf shared by the rooms that read files people write.
package strictyaml

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/agext/levenshtein"
	"go.yaml.in/yaml/v3"
)

// MaxBytes bounds a file; a larger one is refused unread.
const MaxBytes = 4 << 20

const maxDepth = 32

// Problem is one thing wrong in a file, for the person who wrote it.
type Problem struct {
	File    string
	Line    int // 1-based; 0: the file as a whole
	Column  int
	Message string
	Nearest string // the right word closest to the wrong one, or ""
}

func (p Problem) String() string {
	var b strings.Builder
	b.WriteString(p.File)
	if p.Line > 0 {
		fmt.Fprintf(&b, ":%d", p.Line)
		if p.Column > 0 {
			fmt.Fprintf(&b, ":%d", p.Column)
		}
	}
	b.WriteString(": ")
	b.WriteString(p.Message)
	b.WriteString(hint(p.Nearest))
	return b.String()
}

func hint(nearest string) string {
	if nearest == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %q?", nearest)
}

// Hint is the end of an error about a wrong word: "; did you mean …?" with the
// known word nearest to it, or "" when none is near.
func Hint(word string, known []string) string { return hint(Nearest(word, known)) }

// Problems is every thing found wrong, in reading order. It is an error when
// not empty.
type Problems []Problem

func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// Err returns the problems as an error, or nil when there are none.
func (ps Problems) Err() error {
	if len(ps) == 0 {
		return nil
	}
	return ps
}

// Sort puts the problems of one file in reading order.
func (ps Problems) Sort() {
	slices.SortStableFunc(ps, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
}

// Text is a string that remembers where it stood.
type Text struct {
	Value        string
	Line, Column int // 1-based; 0: it does not stand in the file
}

// UnmarshalYAML reads a plain scalar.
func (t *Text) UnmarshalYAML(n *yaml.Node) error {
	*t = Text{Value: n.Value, Line: n.Line, Column: n.Column}
	return nil
}

// MarshalYAML writes the string alone.
func (t Text) MarshalYAML() (any, error) { return t.Value, nil }

func (t Text) String() string { return t.Value }

// At makes a problem about this word. known, if given, are the words that would
// have been right.
func (t Text) At(file, message string, known ...string) Problem {
	return Problem{File: file, Line: t.Line, Column: t.Column, Message: message, Nearest: Nearest(t.Value, known)}
}

var shortWord = regexp.MustCompile(`^[A-Za-z0-9_.-]{0,32}$`)

// Quote quotes a wrong word for a message, unless it may be a secret or a
// person's name that slipped into the wrong place.
func Quote(word string) string {
	if !shortWord.MatchString(word) {
		return "(not shown)"
	}
	return strconv.Quote(word)
}

// Nearest returns the known word closest to word, or "" when none is close.
func Nearest(word string, known []string) string {
	best, bestScore := "", 0.0
	for _, k := range known {
		if s := levenshtein.Match(strings.ToLower(word), strings.ToLower(k), nil); s > bestScore {
			best, bestScore = k, s
		}
	}
	if bestScore < 0.5 || best == word {
		return ""
	}
	return best
}

// Decode reads exactly one YAML document into out, a pointer to a struct whose
// fields carry `yaml` tags. A field tagged `need:"yes"` must be present, and
// exactly one of those tagged `need:"one"`; a scalar tagged `text:"only"` may not
// be what YAML takes for a number, a date or a truth value. Unknown and repeated
// keys, wrong kinds, anchors, aliases, merge keys, a second document and invalid
// UTF-8 are problems, told in reading order. out is filled only when there are none.
func Decode(file string, data []byte, out any) Problems {
	whole := func(message string) Problems { return Problems{{File: file, Message: message}} }
	switch {
	case len(data) > MaxBytes:
		return whole(fmt.Sprintf("larger than %d bytes", MaxBytes))
	case !utf8.Valid(data):
		return whole("not valid UTF-8")
	case bytes.HasPrefix(data, []byte("\xef\xbb\xbf")):
		return whole("starts with a byte order mark; save it as UTF-8 without one")
	}
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var doc yaml.Node
	if err := dec.Decode(&doc); err != nil {
		if errors.Is(err, io.EOF) {
			return whole("empty")
		}
		return Problems{syntaxProblem(file, err)}
	}
	var second yaml.Node
	if err := dec.Decode(&second); !errors.Is(err, io.EOF) {
		return Problems{{File: file, Line: second.Line, Message: "holds a second document; one file, one document"}}
	}
	c := checker{file: file}
	c.check(doc.Content[0], reflect.TypeOf(out).Elem(), 0)
	if len(c.problems) > 0 {
		c.problems.Sort()
		return c.problems
	}
	if err := doc.Decode(out); err != nil {
		return Problems{syntaxProblem(file, err)}
	}
	return nil
}

var (
	lineInError = regexp.MustCompile(`line (\d+): `)
	// quoted is content the library repeats: anchors and, cut short, values. The
	// punctuation it says it expected stays.
	quoted = regexp.MustCompile("'[\\w-]+'|`.*`")
)

// syntaxProblem keeps the line of the library's error and drops what it quotes.
func syntaxProblem(file string, err error) Problem {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	p := Problem{File: file, Message: text}
	if m := lineInError.FindStringSubmatchIndex(text); m != nil {
		p.Line, _ = strconv.Atoi(text[m[2]:m[3]])
		p.Message = strings.TrimSpace(text[m[1]:])
	}
	p.Message = quoted.ReplaceAllString(p.Message, "(not shown)")
	return p
}
