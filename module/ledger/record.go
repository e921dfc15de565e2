// Package ledger keeps the append-only, durable, hash-chained account of every
// access and refusal, and verifies it offline without any secret.
package ledger

import (
	"time"

	"hukougate/module/access"
)

// Kind says what a record tells of. The zero value is no kind and is refused.
type Kind string

// The kinds of format v1. A verifier refuses every other.
const (
	KindOpen      Kind = "open"      // the ledger was opened by a gateway
	KindAccess    Kind = "access"    // data was released
	KindRefusal   Kind = "refusal"   // a request was refused
	KindStrangers Kind = "strangers" // refusals counted instead of recorded one by one
	KindRules     Kind = "rules"     // a rules bundle was loaded or refused
	KindRecovered Kind = "recovered" // a torn tail was set aside at opening
)

// Kinds lists every kind of format v1, in the order reports use.
func Kinds() []Kind {
	return []Kind{KindOpen, KindAccess, KindRefusal, KindStrangers, KindRules, KindRecovered}
}

// Record is what one line of the ledger tells, format v1. The order of the
// fields is the order of the members on disk; a field that is zero or empty is
// not written. The JSON names are permanent.
//
// Every kind has Kind, Time and Gateway. KindAccess must further have Receipt,
// Caller, CallerKind, Proofs, Application, Purpose, Route, Rules, Status and
// BodyDigest; KindRefusal must have Receipt, Reason and Status and may have
// whatever else was known by then; KindStrangers must have Receipt and its object;
// the other kinds have their one object, if any, and nothing else. No value of a person belongs in any field: persons are
// named by keyed pseudonyms only.
type Record struct {
	Kind           Kind                `json:"kind"`
	Time           time.Time           `json:"time"`                      // when, kept to the microsecond in UTC; zero at Append: now
	Gateway        string              `json:"gateway"`                   // name of the gateway instance; set by the ledger
	Receipt        string              `json:"receipt,omitempty"`         // id given to the caller
	Caller         string              `json:"caller,omitempty"`          // access.Caller.ID
	Unit           string              `json:"unit,omitempty"`            // the caller's organisation
	CallerKind     access.CallerKind   `json:"caller_kind,omitempty"`     // internal or external
	Proofs         []string            `json:"proofs,omitempty"`          // how the caller proved who it is
	Peer           string              `json:"peer,omitempty"`            // network address of the TCP peer
	Application    string              `json:"application,omitempty"`     // application number of the grant
	GrantRevision  int                 `json:"grant_revision,omitempty"`  // revision of the grant
	Role           string              `json:"role,omitempty"`            // capacity in which the caller acted
	Purpose        string              `json:"purpose,omitempty"`         // purpose id of the bundle
	LegalBasis     string              `json:"legal_basis,omitempty"`     // clause or document the query rests on
	Resource       string              `json:"resource,omitempty"`        // resource id of the bundle
	Route          string              `json:"route,omitempty"`           // route id of the bundle
	Scope          string              `json:"scope,omitempty"`           // scope id of the bundle
	Rules          string              `json:"rules,omitempty"`           // version of the bundle decided under
	Reason         access.Reason       `json:"reason,omitempty"`          // why refused; only in a refusal
	Status         int                 `json:"status,omitempty"`          // HTTP status given to the caller
	RequestPersons []string            `json:"request_persons,omitempty"` // pseudonyms of the distinct persons named in the request
	Persons        []string            `json:"persons,omitempty"`         // pseudonyms of the persons in the answer
	Records        int                 `json:"records,omitempty"`         // records in the answer
	Fields         []access.FieldCount `json:"fields,omitempty"`          // what the masker did, strictly ascending by field
	Unnamed        int                 `json:"unnamed,omitempty"`         // members no rule names, removed
	BodyBytes      int                 `json:"body_bytes,omitempty"`      // length of the released body
	BodyDigest     string              `json:"body_digest,omitempty"`     // hex keyed digest of the released body
	RequestDigest  string              `json:"request_digest,omitempty"`  // hex keyed digest of the request
	ElapsedMicros  int                 `json:"elapsed_us,omitempty"`      // from receipt of the request to this record, microseconds
	Strangers      *Strangers          `json:"strangers,omitempty"`       // only in KindStrangers
	RulesEvent     *RulesEvent         `json:"rules_event,omitempty"`     // only in KindRules
	Recovered      *Recovered          `json:"recovered,omitempty"`       // only in KindRecovered
}

// Strangers counts the refusals of one window of time that are not recorded one by
// one, so that a flood neither fills the disk nor goes unrecorded: refusals of
// strangers by network source, of callers over their allowance as caller:ID.
type Strangers struct {
	Start          time.Time     `json:"start"`                      // first instant of the window
	End            time.Time     `json:"end"`                        // end of the window, not before Start
	Count          int           `json:"count"`                      // refusals in it, at least 1
	Reasons        []ReasonCount `json:"reasons"`                    // strictly ascending by reason; they add up to Count
	Sources        []SourceCount `json:"sources,omitempty"`          // at most MaxSources, no source twice
	SourcesLeftOff int           `json:"sources_left_off,omitempty"` // number of further sources not listed
}

// ReasonCount is how often one reason was given, at least once.
type ReasonCount struct {
	Reason access.Reason `json:"reason"`
	Count  int           `json:"count"`
}

// SourceCount is how many refusals one network source or caller (caller:ID) met,
// at least one.
type SourceCount struct {
	Source string `json:"source"`
	Count  int    `json:"count"`
}

// Outcome says what became of a rules bundle.
type Outcome string

// The outcomes of loading a bundle.
const (
	OutcomeLoaded  Outcome = "loaded"
	OutcomeRefused Outcome = "refused"
)

// RulesEvent tells that a rules bundle was loaded or refused. A refused bundle
// may have no version and no digest.
type RulesEvent struct {
	Bundle  string  `json:"bundle"`            // name of the bundle
	Version string  `json:"version,omitempty"` // its version; must be there when loaded
	Digest  string  `json:"digest,omitempty"`  // digest of its files, as module/rules writes it
	Outcome Outcome `json:"outcome"`
	Errors  int     `json:"errors,omitempty"` // number of errors found; 0 when loaded
}

// Recovered tells that the last opening found bytes a crash had left after the
// last whole record, and where it put them.
type Recovered struct {
	Bytes  int    `json:"bytes"`  // how many bytes were set aside
	SHA256 string `json:"sha256"` // hex SHA-256 of them
	File   string `json:"file"`   // file in the ledger's directory that holds them
}

// Position is where a record stands. Hash fixes the record and, through the
// chain, every record before it.
type Position struct {
	Seq  uint64 // 1 for the first record
	Hash string // lower-case hex SHA-256 of the record's JSON bytes
}
