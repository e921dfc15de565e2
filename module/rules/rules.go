// Package rules loads, checks and compiles a rules bundle (field catalogue,
// resources and routes, scopes, roles, limits, Casbin model and policy) into
// one immutable Snapshot. Rules are not grants: who holds an approved
// application comes from policy.GrantSource.
package rules

import (
	"strconv"
	"time"

	"hukougate/module/access"
)

// Level is the classification of a field (the security mark of GB/T
// 22239-2019; levels as in the catalogue's own README).
type Level string

// The levels, from the least to the most protected. Control and Drop fields are
// never released by any scope.
const (
	General   Level = "general"
	Sensitive Level = "sensitive"
	High      Level = "high"
	Control   Level = "control"
	Drop      Level = "drop"
)

// Title is a name in the product's two languages.
type Title = access.Text

// Field is one entry of the catalogue.
type Field struct {
	ID       string
	Title    Title
	Level    Level
	Aliases  []string // the names sources use for it, exact
	Standard string   // code list or format, e.g. GB 11643
	TwinOf   string   // the field it repeats in another form, or ""
}

// Purpose is one reason for which data may be asked (PIPL Art. 6).
type Purpose struct {
	ID          string
	Title       Title
	LegalBasis  string
	Departments []string // duties or departments it belongs to
	Proof       []string // documents the application must bring
}

// Role is the capacity in which a caller acts under a grant.
type Role struct {
	ID    string
	Title Title
	Kind  access.CallerKind
	Limit Limit
}

// Limit is what one caller in a role may spend.
type Limit struct {
	RequestsPerMinute int
	Burst             int
	PersonsPerDay     int
}

// Scope says what a purpose may see of a resource's fields.
type Scope struct {
	ID        string
	Title     Title
	Purposes  []string
	Resources []string
	// NamedItems: the grant must itself name the fields (a court's order gives
	// exactly the items it names); without names nothing is released.
	NamedItems bool
	Fields     []access.FieldOutcome // catalogue order
}

// Outcome returns what the scope does with a field; fields it doesn't name are removed.
func (s *Scope) Outcome(field string) access.Transform {
	for _, f := range s.Fields {
		if f.Field == field {
			return f.Transform
		}
	}
	return access.Transform{Kind: access.Remove}
}

// Resource is one kind of data behind the gate.
type Resource struct {
	ID     string
	Title  Title
	Source string   // name of the gate's source that holds it
	Person string   // catalogue field that names the person a record is about
	Fields []string // catalogue fields its records carry
	Routes []*Route
}

// Place says where a parameter stands in a request.
type Place string

// The places of a parameter.
const (
	InBody  Place = "body"
	InQuery Place = "query"
	InPath  Place = "path"
)

// ParameterType is the declared type of a parameter.
type ParameterType string

// The parameter types. Each has exactly one accepted form (see gateway).
const (
	TypeCitizenID  ParameterType = "citizen_id" // GB 11643-1999, 18 characters, check character verified
	TypeDate       ParameterType = "date"       // yyyyMMdd, a day of the calendar
	TypeDivision   ParameterType = "division"   // GB/T 2260, six digits
	TypeInteger    ParameterType = "integer"    // decimal, within Min and Max
	TypeIdentifier ParameterType = "identifier" // [A-Za-z0-9_-]{1,64}
	TypeText       ParameterType = "text"       // 1 to Max characters, no control characters
)

// Parameter is one typed parameter of a route.
type Parameter struct {
	Name     string
	In       Place
	Type     ParameterType
	Required bool
	Person   bool // names a person: counted and pseudonymised
	Min, Max int
	SendIn   Place
	SendAs   string
}

// Envelope is a scalar outside the records that may pass.
type Envelope struct {
	At      string
	Type    string   // integer, boolean or token
	Max     int      // bound of an integer; 0: the masker's own (mask.DefaultMax)
	Allowed []string // the words a token may be
}

// Route is one request the gate accepts and the one it makes of it.
type Route struct {
	ID         string
	Title      Title
	Resource   *Resource
	Method     string
	Path       Template
	Parameters []Parameter

	UpstreamMethod string
	UpstreamPath   Template
	Timeout        time.Duration
	MaxBytes       int64

	MediaType string
	Records   string
	Envelope  []Envelope
}

// Members lists the names a record of the resource may carry: catalogue
// aliases with the field each stands for.
func (s *Snapshot) Members(r *Resource) []Member {
	var out []Member
	for _, id := range r.Fields {
		for _, alias := range s.fieldByID[id].Aliases {
			out = append(out, Member{Name: alias, Field: id})
		}
	}
	return out
}

// Member is a name in a record and the catalogue field it stands for.
type Member struct {
	Name  string
	Field string
}

// Snapshot is one bundle, compiled. It is never changed after Load.
type Snapshot struct {
	Name    string
	Version int
	Digest  string // hex SHA-256 over every file of the bundle, names and contents
	Zone    *time.Location

	Fields    []*Field
	Purposes  []*Purpose
	Roles     []*Role
	Resources []*Resource
	Scopes    []*Scope

	Model    string     // Casbin model
	Policies [][]string // Casbin p lines: role, purpose, resource, route, scope, effect

	fieldByID    map[string]*Field
	purposeByID  map[string]*Purpose
	roleByID     map[string]*Role
	resourceByID map[string]*Resource
	routeByID    map[string]*Route
	scopeByID    map[string]*Scope
	routes       []*Route
}

// ID names the bundle in records: name, version and the first 16 hex digits of
// its digest.
func (s *Snapshot) ID() string {
	return s.Name + " " + strconv.Itoa(s.Version) + " sha256:" + s.Digest[:16]
}

// Field returns a catalogue entry, or nil.
func (s *Snapshot) Field(id string) *Field { return s.fieldByID[id] }

// Purpose returns a purpose, or nil.
func (s *Snapshot) Purpose(id string) *Purpose { return s.purposeByID[id] }

// Role returns a role, or nil.
func (s *Snapshot) Role(id string) *Role { return s.roleByID[id] }

// Resource returns a resource, or nil.
func (s *Snapshot) Resource(id string) *Resource { return s.resourceByID[id] }

// Scope returns a scope, or nil.
func (s *Snapshot) Scope(id string) *Scope { return s.scopeByID[id] }

// Route returns a route by id, or nil.
func (s *Snapshot) Route(id string) *Route { return s.routeByID[id] }

// Match finds the route of a canonical path and method. When the path is known
// but not the method, route is nil and allow lists the methods it takes. values
// holds the path's parameters by name.
func (s *Snapshot) Match(method, path string) (route *Route, values map[string]string, allow []string) {
	for _, r := range s.routes {
		v, ok := r.Path.Match(path)
		if !ok {
			continue
		}
		if r.Method == method {
			return r, v, nil
		}
		allow = append(allow, r.Method)
	}
	return nil, nil, allow
}
