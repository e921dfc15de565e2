package strictyaml

import (
	"fmt"
	"reflect"
	"strings"

	"go.yaml.in/yaml/v3"
)

// checker walks a document beside the type it is to fill.
type checker struct {
	file     string
	problems Problems
}

var (
	textType        = reflect.TypeFor[Text]()
	unmarshalerType = reflect.TypeFor[yaml.Unmarshaler]()
)

func (c *checker) add(n *yaml.Node, message, nearest string) {
	c.problems = append(c.problems, Problem{File: c.file, Line: n.Line, Column: n.Column, Message: message, Nearest: nearest})
}

func (c *checker) check(n *yaml.Node, t reflect.Type, depth int) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case depth > maxDepth:
		c.add(n, "nested too deeply", "")
	case n.Kind == yaml.AliasNode || n.Anchor != "":
		// Aliases let a small file grow without bound and hide what applies where.
		c.add(n, "anchors and aliases are not used here; write the value out", "")
	case t == textType || reflect.PointerTo(t).Implements(unmarshalerType):
		c.scalar(n, "a word")
	case t.Kind() == reflect.Struct:
		c.structure(n, t, depth)
	case t.Kind() == reflect.Slice:
		if n.Kind != yaml.SequenceNode {
			c.add(n, "wants a list", "")
			return
		}
		for _, item := range n.Content {
			c.check(item, t.Elem(), depth+1)
		}
	case t.Kind() == reflect.Map:
		c.mapping(n, t, depth)
	default:
		c.basic(n, t)
	}
}

func (c *checker) scalar(n *yaml.Node, what string) bool {
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
		c.add(n, "wants "+what, "")
		return false
	}
	return true
}

func (c *checker) basic(n *yaml.Node, t reflect.Type) {
	switch t.Kind() {
	case reflect.Int, reflect.Int64:
		if c.scalar(n, "a whole number") && n.Tag != "!!int" {
			c.add(n, "wants a whole number, not "+Quote(n.Value), "")
		}
	case reflect.Bool:
		if c.scalar(n, "true or false") && n.Tag != "!!bool" {
			c.add(n, "wants true or false, not "+Quote(n.Value), "")
		}
	case reflect.String:
		c.scalar(n, "a word")
	default:
		c.add(n, "can't be read here", "")
	}
}

func (c *checker) mapping(n *yaml.Node, t reflect.Type, depth int) {
	if n.Kind != yaml.MappingNode {
		c.add(n, "wants keys with values", "")
		return
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if c.key(n.Content[i], seen) {
			c.check(n.Content[i+1], t.Elem(), depth+1)
		}
	}
}

// key reports whether a key is a plain word not seen before.
func (c *checker) key(k *yaml.Node, seen map[string]bool) bool {
	switch {
	case k.Kind != yaml.ScalarNode || k.Tag == "!!merge" || k.Anchor != "":
		c.add(k, "wants a plain word as key", "")
		return false
	case seen[k.Value]:
		c.add(k, Quote(k.Value)+" stands twice", "")
		return false
	}
	seen[k.Value] = true
	return true
}

func (c *checker) structure(n *yaml.Node, t reflect.Type, depth int) {
	if n.Kind != yaml.MappingNode {
		c.add(n, "wants keys with values", "")
		return
	}
	fields, names := structFields(t)
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		if !c.key(k, seen) {
			continue
		}
		f, known := fields[k.Value]
		if !known {
			c.unknown(k, names)
			continue
		}
		c.check(v, f.Type, depth+1)
		if f.Tag.Get("text") == "only" && v.Kind == yaml.ScalarNode && v.Tag != "!!str" && v.Tag != "!!null" {
			c.add(v, "wants text; put it in quotes", "")
		}
	}
	c.needs(n, fields, names, seen)
}

// needs checks the `need` tags against the keys a mapping has.
func (c *checker) needs(n *yaml.Node, fields map[string]reflect.StructField, names []string, seen map[string]bool) {
	var oneOf []string
	given := 0
	for _, name := range names {
		switch need := fields[name].Tag.Get("need"); {
		case need == "yes" && !seen[name]:
			c.add(n, fmt.Sprintf("%q is missing", name), "")
		case need == "one":
			oneOf = append(oneOf, name)
			if seen[name] {
				given++
			}
		}
	}
	if len(oneOf) > 0 && given != 1 {
		c.add(n, "wants exactly one of "+strings.Join(oneOf, ", "), "")
	}
}

func (c *checker) unknown(k *yaml.Node, known []string) {
	message, nearest := "unknown word "+Quote(k.Value), Nearest(k.Value, known)
	if nearest == "" {
		message += "; known: " + strings.Join(known, ", ")
	}
	c.add(k, message, nearest)
}

func structFields(t reflect.Type) (map[string]reflect.StructField, []string) {
	fields, names := map[string]reflect.StructField{}, []string(nil)
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		if name == "" || name == "-" {
			continue
		}
		fields[name] = f
		names = append(names, name)
	}
	return fields, names
}
