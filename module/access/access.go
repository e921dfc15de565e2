// Package access holds the words of one access: the facts each step of the
// path identify → authorize → limit → forward → mask → record adds, and the
// typed reasons for refusing. It is a leaf: it imports nothing of ours, and the
// zero value of every fact denies.
package access

import "time"

// CallerKind tells an internal department from an outside unit (the Measures,
// R2). The zero value is no kind at all and is never accepted.
type CallerKind string

// The two kinds of caller the Measures know.
const (
	Internal CallerKind = "internal"
	External CallerKind = "external"
)

// Proof names a way a caller proved who it is.
type Proof string

// The proofs module/identity accepts.
const (
	ProofAPIKey            Proof = "api_key"
	ProofClientCertificate Proof = "client_certificate"
	ProofJWT               Proof = "jwt"
)

// Caller is the proven identity behind a request: a system or a department,
// never a bare name a client sent. The zero value is nobody.
type Caller struct {
	ID                 string     // stable id, as in the callers file
	Unit               string     // the organisation (本单位 or an outside unit)
	Kind               CallerKind // internal or external
	DefaultApplication string     // application used when the request names none
	Proofs             []Proof    // what was presented and verified
}

// TransformKind says what happens to a value. The zero value removes it.
type TransformKind string

// The transforms of the first rules version. A kind the masker does not know is
// an error when the rules are loaded, never a pass.
const (
	Remove    TransformKind = "remove"
	Clear     TransformKind = "clear"
	Keep      TransformKind = "keep"
	Year      TransformKind = "year"
	Pseudonym TransformKind = "pseudonym"
)

// Transform is one way to release a field. First and Last count characters
// (grapheme clusters) that Keep leaves visible at either end.
type Transform struct {
	Kind  TransformKind
	First int
	Last  int
}

// Visible reports whether anything of the value is released.
func (t Transform) Visible() bool { return t.Kind != "" && t.Kind != Remove }

// FieldOutcome is what a Decision does with one field of the catalogue.
type FieldOutcome struct {
	Field     string
	Transform Transform
}

// Grant is one approved application (《户籍信息查询申请表》, R11) as the gate needs it:
// who may ask what, for which purpose, on which legal basis, until when.
type Grant struct {
	Application string   // application number, the key
	Revision    int      // rises with every re-issue; a lower one is refused
	Caller      string   // Caller.ID it was issued to
	Unit        string   // the unit that applied
	Role        string   // capacity in which the caller acts (Casbin role)
	Purpose     string   // purpose id of the bundle
	LegalBasis  string   // clause or document the query rests on
	Scope       string   // scope id of the bundle
	Resources   []string // resource ids
	Fields      []string // narrows the scope to the named fields; empty: the whole scope
	NotBefore   time.Time
	NotAfter    time.Time
	Agreement   time.Time // confidentiality agreement or pledge in force until (R10, R23)
	Budget      GrantBudget
	Revoked     bool
	Digest      string // hex SHA-256 of the signed text it came from
}

// GrantBudget narrows the limits of the bundle for one grant. Zero: the
// bundle's own limit stands.
type GrantBudget struct {
	RequestsPerMinute int
	PersonsPerDay     int
}

// Decision is what policy found. Its zero value denies.
type Decision struct {
	Allowed       bool
	Reason        Reason // why not; empty only when Allowed
	Application   string
	GrantRevision int
	Role          string
	Purpose       string
	LegalBasis    string
	Resource      string
	Route         string
	Scope         string
	Fields        []FieldOutcome // visible fields only, in catalogue order; all others are removed
	Budget        GrantBudget
	RulesVersion  string // bundle the decision was made under
}

// Charge is what was spent before the source is asked.
type Charge struct {
	Persons int // distinct persons named in the request, newly counted or not
	Spent   bool
}

// Answer is what the source said, whole and within bounds.
type Answer struct {
	Status    int
	MediaType string
	Body      []byte
}

// FieldCount is the masker's account of one member: how many values left
// clear, changed, or were removed.
type FieldCount struct {
	Field       string `json:"field"`
	Clear       int    `json:"clear,omitempty"`
	Transformed int    `json:"transformed,omitempty"`
	Removed     int    `json:"removed,omitempty"`
}

// Masking is the body as it may be released, and the account of it.
type Masking struct {
	Body    []byte
	Records int
	Persons []string     // keyed pseudonyms of the persons in the answer, distinct, in order of appearance
	Fields  []FieldCount // sorted by field
	Unnamed int          // members no rule names, removed
	Done    bool
}

// Receipt points to the durable record of an access.
type Receipt struct {
	ID   string // random, given to the caller
	Seq  uint64 // number of the record in the ledger; 0: not recorded
	Hash string // hex SHA-256 of the record
}
