package ledger

import (
	"time"

	"hukougate/module/access"
)

// coder visits the members of a record in the order of format v1. One walk
// serves the encoder, the decoder and the checker, so that they cannot disagree
// about a name or a place. A member whose value is zero is absent.
type coder interface {
	text(name string, v *string) // name "" is an element of a list
	count(name string, v *int)
	moment(name string, v *time.Time)
	// enter begins a list ('[') or an object ('{'); it reports whether the
	// member is there. present is what the value says; the decoder ignores it.
	enter(name string, bracket byte, present bool) bool
	// more reports whether a list of n elements (so far, when decoding) has
	// an element i.
	more(i, n int) bool
	leave(bracket byte) // ends with ']' or '}' what enter began
}

func list[T any](c coder, name string, s *[]T, each func(coder, *T)) {
	if !c.enter(name, '[', len(*s) > 0) {
		return
	}
	for i := 0; c.more(i, len(*s)); i++ {
		if i == len(*s) {
			*s = append(*s, *new(T))
		}
		each(c, &(*s)[i])
	}
	c.leave(']')
}

func object[T any](c coder, name string, o **T, members func(coder, *T)) {
	if !c.enter(name, '{', *o != nil) {
		return
	}
	if *o == nil {
		*o = new(T)
	}
	members(c, *o)
	c.leave('}')
}

func element[T any](members func(coder, *T)) func(coder, *T) {
	return func(c coder, v *T) {
		c.enter("", '{', true)
		members(c, v)
		c.leave('}')
	}
}

func texts(c coder, v *string) { c.text("", v) }

// members is format v1 after the head (v, seq, prev). These names and their
// order are permanent: changing one makes every ledger ever written unreadable.
func members(c coder, r *Record) {
	c.text("kind", (*string)(&r.Kind))
	c.moment("time", &r.Time)
	c.text("gateway", &r.Gateway)
	c.text("receipt", &r.Receipt)
	c.text("caller", &r.Caller)
	c.text("unit", &r.Unit)
	c.text("caller_kind", (*string)(&r.CallerKind))
	list(c, "proofs", &r.Proofs, texts)
	c.text("peer", &r.Peer)
	c.text("application", &r.Application)
	c.count("grant_revision", &r.GrantRevision)
	c.text("role", &r.Role)
	c.text("purpose", &r.Purpose)
	c.text("legal_basis", &r.LegalBasis)
	c.text("resource", &r.Resource)
	c.text("route", &r.Route)
	c.text("scope", &r.Scope)
	c.text("rules", &r.Rules)
	c.text("reason", (*string)(&r.Reason))
	c.count("status", &r.Status)
	list(c, "request_persons", &r.RequestPersons, texts)
	list(c, "persons", &r.Persons, texts)
	c.count("records", &r.Records)
	list(c, "fields", &r.Fields, element(fieldMembers))
	c.count("unnamed", &r.Unnamed)
	c.count("body_bytes", &r.BodyBytes)
	c.text("body_digest", &r.BodyDigest)
	c.text("request_digest", &r.RequestDigest)
	c.count("elapsed_us", &r.ElapsedMicros)
	object(c, "strangers", &r.Strangers, strangersMembers)
	object(c, "rules_event", &r.RulesEvent, rulesEventMembers)
	object(c, "recovered", &r.Recovered, recoveredMembers)
}

func fieldMembers(c coder, f *access.FieldCount) {
	c.text("field", &f.Field)
	c.count("clear", &f.Clear)
	c.count("transformed", &f.Transformed)
	c.count("removed", &f.Removed)
}

func strangersMembers(c coder, s *Strangers) {
	c.moment("start", &s.Start)
	c.moment("end", &s.End)
	c.count("count", &s.Count)
	list(c, "reasons", &s.Reasons, element(func(c coder, r *ReasonCount) {
		c.text("reason", (*string)(&r.Reason))
		c.count("count", &r.Count)
	}))
	list(c, "sources", &s.Sources, element(func(c coder, r *SourceCount) {
		c.text("source", &r.Source)
		c.count("count", &r.Count)
	}))
	c.count("sources_left_off", &s.SourcesLeftOff)
}

func rulesEventMembers(c coder, e *RulesEvent) {
	c.text("bundle", &e.Bundle)
	c.text("version", &e.Version)
	c.text("digest", &e.Digest)
	c.text("outcome", (*string)(&e.Outcome))
	c.count("errors", &e.Errors)
}

func recoveredMembers(c coder, r *Recovered) {
	c.count("bytes", &r.Bytes)
	c.text("sha256", &r.SHA256)
	c.text("file", &r.File)
}
