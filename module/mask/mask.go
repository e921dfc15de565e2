// Package mask rewrites a JSON answer by a compiled plan: what the plan does not
// name goes, and what it keeps stays byte for byte.
package mask

import (
	"errors"
	"fmt"

	"hukougate/module/access"
	"hukougate/module/jsonlex"
	"hukougate/module/keys"
)

// Spec says how one kind of answer is masked. Paths are separated by '/'; '~1'
// and '~0' stand for '/' and '~' in a name (RFC 6901 §3), and '*' for every
// element of an array. Names are compared decoded and exactly: another case or
// width is another, unnamed, member.
type Spec struct {
	// Envelope lists the scalars outside the records that may pass.
	Envelope []EnvelopeMember

	// Records is where the records stand: "" when the top-level value is one,
	// "/data" for one object, "/data/list/*" for each element of an array.
	Records string

	// Members are the members of a record that the rules name.
	Members []Member

	// Person is the catalogue field that names the person, for instance
	// "citizen_id"; PersonPaths are the members that carry it, the preferred one
	// first. They need not be among Members: then they are counted and removed.
	Person      string
	PersonPaths []string

	// MaxDepth caps the nesting of the answer; 0 means 64.
	MaxDepth int
}

// EnvelopeType is the type an envelope member must have.
type EnvelopeType string

// The envelope types. None of them can hold a citizen identity number: a text or
// integer that is one refuses the answer.
const (
	Integer EnvelopeType = "integer" // within Max, no fraction or exponent
	Boolean EnvelopeType = "boolean"
	Word    EnvelopeType = "token" // an ASCII string of 1 to 64 of A-Z a-z 0-9 _ . -
)

// DefaultMax bounds an Integer that has no Max of its own: more than a count
// needs, less than a date of birth (8 digits) or a telephone number.
const DefaultMax = 1_000_000

// EnvelopeMember is a scalar outside the records. A value of another type, or
// out of bounds, refuses the answer (source_shape).
type EnvelopeMember struct {
	Path    string // begins with '/'; no '*'
	Type    EnvelopeType
	Max     int      // for Integer: -Max to Max may pass; 0: DefaultMax
	Allowed []string // for Word: the closed list; empty: any such word
}

// Member is one member of a record that the rules name. Two paths may carry the
// same field.
type Member struct {
	Path      string // inside the record: "XM", "JHR/XM", "JTCY/*/XM"
	Field     string // catalogue id
	Transform access.Transform
}

// Keys are the keys of one request. Field is already derived for the partner and
// the purpose, so that two partners cannot compare pseudonyms.
type Keys struct{ Person, Field keys.Key }

// ErrSpec is wrapped by every error of Compile.
var ErrSpec = errors.New("mask: the specification does not hold")

// Refusal says why an answer is not released. It holds no content of the answer.
type Refusal struct {
	Reason access.Reason
	Offset int // byte of the answer where the reason was seen
	cause  error
}

// Error returns the reason and the offset.
func (r *Refusal) Error() string {
	return fmt.Sprintf("mask: %s at byte %d", r.Reason, r.Offset)
}

// Unwrap returns what caused the refusal, a *jsonlex.SyntaxError or an error of
// module/keys; nil when the answer's shape did.
func (r *Refusal) Unwrap() error { return r.cause }

// refuse turns an error of the tokenizer or of a key into a Refusal.
func refuse(err error, offset int) *Refusal {
	var syntax *jsonlex.SyntaxError
	if !errors.As(err, &syntax) {
		reason := access.InternalError
		if errors.Is(err, keys.ErrNoKey) {
			reason = access.KeysUnavailable
		}
		return &Refusal{Reason: reason, Offset: offset, cause: err}
	}
	reason := access.SourceMalformed
	switch syntax.Kind {
	case jsonlex.DuplicateName:
		reason = access.SourceDuplicate
	case jsonlex.TooDeep, jsonlex.TooLong:
		reason = access.SourceTooLarge
	case jsonlex.Truncated:
		reason = access.SourceTruncated
	}
	return &Refusal{Reason: reason, Offset: syntax.Offset, cause: err}
}
