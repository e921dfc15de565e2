package mask

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"hukougate/module/access"
	"hukougate/module/jsonlex"
)

// Plan is a compiled Spec. It never changes and is safe for concurrent use; the
// zero Plan and a nil one refuse every answer.
type Plan struct {
	root     *node
	fields   []string // distinct, sorted: the order of the account
	person   string
	paths    int // number of PersonPaths
	maxDepth int
	fieldKey bool // some member is pseudonymised
}

type nodeKind uint8

const (
	unset nodeKind = iota
	object
	array
	leaf
	envelope
)

// node is one place the plan knows.
type node struct {
	kind     nodeKind
	record   bool             // this object is a record
	children map[string]*node // of an object
	element  *node            // of an array
	visible  bool             // something below it may be released

	transform access.Transform // of a leaf
	field     int              // index into Plan.fields
	isPerson  bool             // the field is the Person field
	rank      int              // place among PersonPaths, counted from one; 0: none

	scalar EnvelopeMember // of an envelope member
}

// every is the path segment that stands for each element of an array.
const every = "*"

// Compile checks a Spec and makes its Plan. An unknown transform or type, a
// negative or misplaced First or Last, a bad path, and paths that contradict
// each other are errors that wrap ErrSpec.
func Compile(s Spec) (*Plan, error) {
	p := &Plan{root: &node{}, person: s.Person, paths: len(s.PersonPaths), maxDepth: s.MaxDepth}
	if p.maxDepth < 0 {
		return nil, fmt.Errorf("%w: MaxDepth %d is negative", ErrSpec, s.MaxDepth)
	}
	if p.maxDepth == 0 {
		p.maxDepth = jsonlex.DefaultMaxDepth
	}
	for _, m := range s.Members {
		p.fields = append(p.fields, m.Field)
	}
	if len(s.PersonPaths) > 0 {
		if s.Person == "" {
			return nil, fmt.Errorf("%w: PersonPaths without a Person field", ErrSpec)
		}
		p.fields = append(p.fields, s.Person)
	}
	slices.Sort(p.fields)
	p.fields = slices.Compact(p.fields)

	record, err := p.records(s.Records)
	if err != nil {
		return nil, err
	}
	for _, m := range s.Members {
		if err := p.member(record, m); err != nil {
			return nil, fmt.Errorf("%w: member %q: %w", ErrSpec, m.Path, err)
		}
	}
	for i, path := range s.PersonPaths {
		if err := p.personPath(record, path, i+1); err != nil {
			return nil, fmt.Errorf("%w: person path %q: %w", ErrSpec, path, err)
		}
	}
	// Last, because an envelope member may not lead into the records.
	for _, e := range s.Envelope {
		if err := p.envelope(e); err != nil {
			return nil, fmt.Errorf("%w: envelope %q: %w", ErrSpec, e.Path, err)
		}
	}
	p.root.settle()
	if depth := p.root.depth(); depth > p.maxDepth {
		return nil, fmt.Errorf("%w: paths are %d deep, MaxDepth is %d", ErrSpec, depth, p.maxDepth)
	}
	return p, nil
}

// records makes the containers down to the record.
func (p *Plan) records(path string) (*node, error) {
	steps, err := absolute(path)
	if err == nil {
		var n *node
		if n, err = p.root.walk(steps); err == nil {
			n.kind, n.record = object, true
			return n, nil
		}
	}
	return nil, fmt.Errorf("%w: records %q: %w", ErrSpec, path, err)
}

func (p *Plan) member(record *node, m Member) error {
	if m.Field == "" {
		return errNoField
	}
	t, err := checked(m.Transform)
	if err != nil {
		return err
	}
	steps, err := split(m.Path)
	if err != nil {
		return err
	}
	n, err := record.walk(steps)
	if err != nil {
		return err
	}
	if n.kind != unset {
		return errConflict
	}
	p.fieldKey = p.fieldKey || t.Kind == access.Pseudonym
	field, _ := slices.BinarySearch(p.fields, m.Field)
	n.kind, n.transform, n.field, n.isPerson = leaf, t, field, p.person != "" && m.Field == p.person
	return nil
}

func (p *Plan) personPath(record *node, path string, rank int) error {
	steps, err := split(path)
	if err != nil {
		return err
	}
	if slices.Contains(steps, every) {
		return errArray
	}
	n, err := record.walk(steps)
	if err != nil {
		return err
	}
	switch {
	case n.kind == unset: // counted, never shown
		field, _ := slices.BinarySearch(p.fields, p.person)
		n.kind, n.transform, n.field = leaf, access.Transform{Kind: access.Remove}, field
	case n.kind != leaf || n.rank != 0:
		return errConflict
	}
	n.rank = rank
	return nil
}

func (p *Plan) envelope(e EnvelopeMember) error {
	switch {
	case e.Type != Integer && e.Type != Boolean && e.Type != Word:
		return errType
	case e.Type != Word && len(e.Allowed) > 0:
		return errAllowed
	case e.Max < 0 || e.Type != Integer && e.Max > 0:
		return errMax
	}
	for _, a := range e.Allowed {
		if !word([]byte(a)) {
			return errAllowed
		}
	}
	steps, err := absolute(e.Path)
	if err != nil {
		return err
	}
	switch {
	case len(steps) == 0:
		return errPath
	case slices.Contains(steps, every):
		return errArray
	case p.root.entersRecord(steps):
		return errInRecord
	}
	n, err := p.root.walk(steps)
	if err != nil {
		return err
	}
	if n.kind != unset {
		return errConflict
	}
	e.Allowed = slices.Clone(e.Allowed)
	if e.Max == 0 {
		e.Max = DefaultMax
	}
	n.kind, n.scalar = envelope, e
	return nil
}

// entersRecord reports whether the steps lead to or through a record.
func (n *node) entersRecord(steps []string) bool {
	for _, s := range steps {
		if n.record {
			return true
		}
		if n = n.children[s]; n == nil {
			return false
		}
	}
	return n.record
}

// walk goes down the steps and makes the containers they imply.
func (n *node) walk(steps []string) (*node, error) {
	for _, s := range steps {
		want := object
		if s == every {
			want = array
		}
		if n.kind == unset {
			n.kind = want
		}
		if n.kind != want {
			return nil, errConflict
		}
		if want == array {
			if n.element == nil {
				n.element = &node{}
			}
			n = n.element
			continue
		}
		if n.children == nil {
			n.children = map[string]*node{}
		}
		next := n.children[s]
		if next == nil {
			next = &node{}
			n.children[s] = next
		}
		n = next
	}
	return n, nil
}

// settle finds which containers hold anything visible. Those that don't are
// removed whole: even their presence (a guardian, a spouse) tells something.
// Records and what leads to them stay.
func (n *node) settle() bool {
	n.visible = n.record || n.kind == envelope || n.kind == leaf && n.transform.Visible()
	for _, c := range n.children { // the order is not seen
		n.visible = c.settle() || n.visible
	}
	if n.element != nil {
		n.visible = n.element.settle() || n.visible
	}
	return n.visible
}

// depth counts the containers on the deepest path.
func (n *node) depth() int {
	deepest := 0
	for _, c := range n.children { // the order is not seen
		deepest = max(deepest, c.depth())
	}
	if n.element != nil {
		deepest = n.element.depth()
	}
	if n.kind == object || n.kind == array {
		deepest++
	}
	return deepest
}

// absolute splits a path that begins with '/'; "" is the top-level value.
func absolute(path string) ([]string, error) {
	if path == "" {
		return nil, nil
	}
	if path[0] != '/' {
		return nil, errPath
	}
	return split(path[1:])
}

// split splits a path into decoded names and '*'.
func split(path string) ([]string, error) {
	if !utf8.ValidString(path) {
		return nil, errPath
	}
	steps := strings.Split(path, "/")
	for i, s := range steps {
		if s == "" {
			return nil, errPath
		}
		rest := strings.ReplaceAll(strings.ReplaceAll(s, "~0", ""), "~1", "")
		if strings.Contains(rest, "~") || s != every && strings.Contains(s, every) {
			return nil, errPath
		}
		// RFC 6901 §4: ~1 first, so that ~01 becomes ~1.
		steps[i] = strings.ReplaceAll(strings.ReplaceAll(s, "~1", "/"), "~0", "~")
	}
	return steps, nil
}
