package ledger

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"hukougate/module/access"
)

// maxCount is the largest number v1 holds: the largest that every JSON reader
// keeps exactly (RFC 8259 §6).
const maxCount = 1<<53 - 1

// check says whether a record may stand in a ledger of format v1. Append and
// the verifier use the same rules; the error names members, never values.
func check(r *Record) error {
	c := &checker{}
	members(c, r)
	if c.err != nil {
		return c.err
	}
	if err := need(have{r.Gateway != "", "gateway"}, have{!r.Time.IsZero(), "time"}); err != nil {
		return err
	}
	return checkKind(r)
}

// checker holds every single value against the bounds of v1.
type checker struct {
	err  error
	list string // name of the list we are in, for messages
}

func (c *checker) fail(name, why string) {
	if name == "" {
		name = c.list
	}
	if c.err == nil {
		c.err = fmt.Errorf("%s %s", name, why)
	}
}

func (c *checker) text(name string, v *string) {
	switch {
	case name == "" && *v == "":
		c.fail(name, "holds an empty text")
	case len(*v) > MaxText:
		c.fail(name, fmt.Sprintf("is longer than %d bytes", MaxText))
	case !utf8.ValidString(*v):
		c.fail(name, "is not valid UTF-8")
	case strings.ContainsFunc(*v, deceptive):
		c.fail(name, "holds a control character")
	}
}

// deceptive tells the characters that could make a ledger look on a terminal
// like what it is not: C0 and C1 controls, line separators and the
// bidirectional controls of UAX #9. The list is spelt out because it is part of
// the permanent format and Unicode tables grow.
func deceptive(r rune) bool {
	switch {
	case r < 0x20, r >= 0x7f && r <= 0x9f, r == 0x061c, r == 0x200e, r == 0x200f,
		r >= 0x2028 && r <= 0x202e, r >= 0x2066 && r <= 0x2069:
		return true
	}
	return false
}

func (c *checker) count(name string, v *int) {
	if *v < 0 || int64(*v) > maxCount {
		c.fail(name, "is out of range")
	}
}

func (c *checker) moment(name string, v *time.Time) {
	if v.IsZero() {
		return
	}
	// In UTC a local year 9999 may become 10000, which has no spelling.
	if y := v.UTC().Year(); y < 1970 || y > 9999 {
		c.fail(name, "is out of range")
	}
}

func (c *checker) enter(name string, _ byte, present bool) bool {
	if name != "" {
		c.list = name
	}
	return present
}

func (c *checker) more(i, n int) bool { return i < n && c.err == nil }
func (c *checker) leave(byte)         {}

// have says whether a mandatory member is there.
type have struct {
	it   bool
	name string
}

func need(all ...have) error {
	for _, h := range all {
		if !h.it {
			return fmt.Errorf("%s is missing", h.name)
		}
	}
	return nil
}

func checkKind(r *Record) error {
	if (r.Strangers != nil) != (r.Kind == KindStrangers) ||
		(r.RulesEvent != nil) != (r.Kind == KindRules) ||
		(r.Recovered != nil) != (r.Kind == KindRecovered) {
		return errors.New("the kind and its object don't fit")
	}
	switch r.Kind {
	case KindAccess:
		return checkAccess(r)
	case KindRefusal:
		return checkRefusal(r)
	case KindOpen, KindStrangers, KindRules, KindRecovered:
		return checkEvent(r)
	}
	return errors.New("the kind is unknown")
}

func checkAccess(r *Record) error {
	if r.Reason != "" {
		return errors.New("an access has a reason for refusal")
	}
	if err := need(have{r.Receipt != "", "receipt"}, have{r.Caller != "", "caller"}, have{r.CallerKind != "", "caller_kind"},
		have{len(r.Proofs) > 0, "proofs"}, have{r.Application != "", "application"}, have{r.Purpose != "", "purpose"},
		have{r.Route != "", "route"}, have{r.Rules != "", "rules"}, have{r.Status != 0, "status"},
		have{r.BodyDigest != "", "body_digest"}); err != nil {
		return err
	}
	return checkRequest(r)
}

func checkRefusal(r *Record) error {
	if err := need(have{r.Receipt != "", "receipt"}, have{r.Reason != "", "reason"}, have{r.Status != 0, "status"}); err != nil {
		return err
	}
	return checkRequest(r)
}

// checkRequest holds what access and refusal have in common.
func checkRequest(r *Record) error {
	switch {
	case r.CallerKind != "" && r.CallerKind != access.Internal && r.CallerKind != access.External:
		return errors.New("caller_kind is unknown")
	case r.Reason != "" && !isReason(r.Reason):
		return errors.New("reason is not a word")
	case r.Status < 100 || r.Status > 599:
		return errors.New("status is not an HTTP status")
	case r.BodyDigest != "" && !isHash(r.BodyDigest):
		return errors.New("body_digest is not 64 hex digits")
	case len(r.RequestDigest) > 128 || len(r.RequestDigest)%2 != 0 || !isHex(r.RequestDigest):
		return errors.New("request_digest is not hex")
	}
	for i, f := range r.Fields {
		if f.Field == "" {
			return errors.New("field is missing")
		}
		if i > 0 && r.Fields[i-1].Field >= f.Field {
			return errors.New("fields are not sorted")
		}
	}
	return nil
}

func isReason(why access.Reason) bool {
	for i := range len(why) {
		c := why[i]
		if (c < 'a' || c > 'z') && (i == 0 || (c != '_' && (c < '0' || c > '9'))) {
			return false
		}
	}
	return why != "" && len(why) <= 64
}

// checkEvent takes the kinds that tell of the gateway and of no request.
func checkEvent(r *Record) error {
	rest := *r
	rest.Kind, rest.Time, rest.Gateway = "", time.Time{}, ""
	rest.Strangers, rest.RulesEvent, rest.Recovered = nil, nil, nil
	if r.Kind == KindStrangers {
		if r.Receipt == "" {
			return errors.New("receipt is missing")
		}
		rest.Receipt = ""
	}
	if len(encodeBody(&rest)) > len("}") {
		return errors.New("a member does not belong to the kind")
	}
	switch r.Kind {
	case KindStrangers:
		return checkStrangers(r.Strangers)
	case KindRules:
		return checkRulesEvent(r.RulesEvent)
	case KindRecovered:
		return checkRecovered(r.Recovered)
	}
	return nil
}

func checkStrangers(s *Strangers) error {
	if err := need(have{!s.Start.IsZero(), "start"}, have{!s.End.IsZero(), "end"}, have{s.Count > 0, "count"},
		have{len(s.Reasons) > 0, "reasons"}); err != nil {
		return err
	}
	if s.End.Before(s.Start) {
		return errors.New("the window ends before it starts")
	}
	if len(s.Sources) > MaxSources || len(s.Reasons) > MaxSources {
		return errors.New("too many reasons or sources")
	}
	sum := 0
	for i, c := range s.Reasons {
		if !isReason(c.Reason) || c.Count < 1 {
			return errors.New("reasons hold no reason or no count")
		}
		if i > 0 && s.Reasons[i-1].Reason >= c.Reason {
			return errors.New("reasons are not sorted")
		}
		sum += c.Count
	}
	if sum != s.Count {
		return errors.New("reasons don't add up to count")
	}
	sum = 0
	seen := make(map[string]bool, len(s.Sources))
	for _, c := range s.Sources {
		if c.Source == "" || c.Count < 1 || seen[c.Source] {
			return errors.New("sources hold no source, no count or one twice")
		}
		seen[c.Source] = true
		sum += c.Count
	}
	if sum > s.Count {
		return errors.New("sources add up to more than count")
	}
	return nil
}

func checkRulesEvent(e *RulesEvent) error {
	switch {
	case e.Bundle == "":
		return errors.New("bundle is missing")
	case e.Outcome != OutcomeLoaded && e.Outcome != OutcomeRefused:
		return errors.New("outcome is unknown")
	case e.Outcome == OutcomeLoaded && (e.Version == "" || e.Errors != 0):
		return errors.New("a loaded bundle has no version or has errors")
	}
	return nil
}

func checkRecovered(r *Recovered) error {
	switch {
	case r.Bytes < 1:
		return errors.New("bytes is missing")
	case !isHash(r.SHA256):
		return errors.New("sha256 is not 64 hex digits")
	}
	if _, short, ok := parseTornName(r.File); !ok || short != r.SHA256[:shortHash] {
		return errors.New("file is not the name for these bytes")
	}
	return nil
}
