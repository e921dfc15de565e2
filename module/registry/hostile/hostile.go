// Package hostile is an upstream that misbehaves on demand: each case is one way
// a source, by mistake or malice, gets personal data past a gate.
package hostile

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"hukougate/module/access"
)

// Case is one way to misbehave.
type Case struct {
	Name string
	// Expect is the reason the gate must refuse with. Empty, it may answer 200
	// with the canaries masked away, or refuse for a reason of its own: what
	// counts is that no canary leaves.
	Expect access.Reason
	Note   string // what the source does
}

// ErrUnknown is returned for a name that is not a case's.
var ErrUnknown = errors.New("hostile: no such case")

// definition is a case and how it is played.
type definition struct {
	Case
	play func(*scene) script
}

// script is what goes over the connection in answer to one request.
type script struct {
	bytes []byte
	then  ending
}

// ending is what happens after the bytes of a script.
type ending int

const (
	closes  ending = iota // the connection closes
	keeps                 // it stays open for the next request
	stalls                // nothing more comes, and it stays open
	drips                 // white space comes, one byte at a time, without end
	floods                // white space comes as fast as it is taken, without end
	hangsUp               // it closes on being opened, without a request read
)

// definitions are all cases, in a fixed order.
var definitions = slices.Concat(harmless, heads, codings, framings, endings, syntaxes, shapes)

// Cases lists the cases in a fixed order; those of Truncated and Cut come on top.
func Cases() []Case {
	all := make([]Case, len(definitions))
	for i, d := range definitions {
		all[i] = d.Case
	}
	return all
}

// Truncated is the case that sends the first n bytes of the default body, with
// the length of just these: the message is whole, and only reading the JSON can
// tell that it breaks off. n counts from 0 to Server.Length()-1.
func Truncated(n int) Case {
	return Case{fmt.Sprintf("truncated@%d", n), access.SourceTruncated, "a body cut short under a matching length"}
}

// Cut is the case that announces the whole default body, sends its first n bytes
// and closes. n counts from 0 to Server.Length()-1.
func Cut(n int) Case {
	return Case{fmt.Sprintf("cut@%d", n), access.SourceTruncated, "a connection closed in the middle of the body"}
}

// find makes the script of a case by name.
func (s *scene) find(name string) (script, error) {
	for _, d := range definitions {
		if d.Name == name {
			return d.play(s), nil
		}
	}
	kind, at, _ := strings.Cut(name, "@")
	whole := s.whole()
	n, err := strconv.Atoi(at)
	if err != nil || n < 0 || n >= len(whole) {
		return script{}, fmt.Errorf("%w: %q", ErrUnknown, name)
	}
	switch kind {
	case "truncated":
		return ok(whole[:n]), nil
	case "cut":
		return script{bytes: []byte(head("200 OK", jsonType, length(len(whole)), "Connection: close") + whole[:n])}, nil
	}
	return script{}, fmt.Errorf("%w: %q", ErrUnknown, name)
}
