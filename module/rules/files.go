package rules

import "hukougate/module/strictyaml"

// The files of a bundle, as their authors write them. The JSON Schemas in
// rules/schema describe the same shapes for editors; a test holds the two together.

type bundleFile struct {
	Name     strictyaml.Text `yaml:"name" need:"yes"`
	Version  int             `yaml:"version" need:"yes"`
	Timezone strictyaml.Text `yaml:"timezone" need:"yes"`
}

type titleYAML struct {
	Chinese strictyaml.Text `yaml:"zh" need:"yes"`
	English strictyaml.Text `yaml:"en" need:"yes"`
}

type catalogueFile struct {
	Fields []fieldYAML `yaml:"fields" need:"yes"`
}

type fieldYAML struct {
	ID       strictyaml.Text   `yaml:"id" need:"yes"`
	Title    titleYAML         `yaml:"title" need:"yes"`
	Level    strictyaml.Text   `yaml:"level" need:"yes"`
	Aliases  []strictyaml.Text `yaml:"aliases" need:"yes"`
	Standard strictyaml.Text   `yaml:"standard"`
	TwinOf   strictyaml.Text   `yaml:"twin_of"`
	Basis    strictyaml.Text   `yaml:"basis"`
}

type purposesFile struct {
	Purposes []purposeYAML `yaml:"purposes" need:"yes"`
}

type purposeYAML struct {
	ID          strictyaml.Text   `yaml:"id" need:"yes"`
	Title       titleYAML         `yaml:"title" need:"yes"`
	LegalBasis  strictyaml.Text   `yaml:"legal_basis" need:"yes"`
	Departments []strictyaml.Text `yaml:"departments" need:"yes"`
	Proof       []strictyaml.Text `yaml:"proof" need:"yes"`
}

type rolesFile struct {
	Roles []roleYAML `yaml:"roles" need:"yes"`
}

type roleYAML struct {
	ID    strictyaml.Text `yaml:"id" need:"yes"`
	Title titleYAML       `yaml:"title" need:"yes"`
	Kind  strictyaml.Text `yaml:"kind" need:"yes"`
}

type limitsFile struct {
	Limits []limitYAML `yaml:"limits" need:"yes"`
}

type limitYAML struct {
	Role              strictyaml.Text `yaml:"role" need:"yes"`
	RequestsPerMinute int             `yaml:"requests_per_minute" need:"yes"`
	Burst             int             `yaml:"burst" need:"yes"`
	PersonsPerDay     int             `yaml:"persons_per_day" need:"yes"`
}

type scopesFile struct {
	Scopes []scopeYAML `yaml:"scopes" need:"yes"`
}

type scopeYAML struct {
	ID         strictyaml.Text            `yaml:"id" need:"yes"`
	Title      titleYAML                  `yaml:"title" need:"yes"`
	Purposes   []strictyaml.Text          `yaml:"purposes" need:"yes"`
	Resources  []strictyaml.Text          `yaml:"resources" need:"yes"`
	NamedItems bool                       `yaml:"named_items"`
	Fields     map[string]strictyaml.Text `yaml:"fields" need:"yes"`
}

type resourcesFile struct {
	Resources []resourceYAML `yaml:"resources" need:"yes"`
}

type resourceYAML struct {
	ID     strictyaml.Text   `yaml:"id" need:"yes"`
	Title  titleYAML         `yaml:"title" need:"yes"`
	Source strictyaml.Text   `yaml:"source" need:"yes"`
	Person strictyaml.Text   `yaml:"person" need:"yes"`
	Fields []strictyaml.Text `yaml:"fields" need:"yes"`
	Routes []routeYAML       `yaml:"routes" need:"yes"`
}

type routeYAML struct {
	ID         strictyaml.Text `yaml:"id" need:"yes"`
	Title      titleYAML       `yaml:"title" need:"yes"`
	Method     strictyaml.Text `yaml:"method" need:"yes"`
	Path       strictyaml.Text `yaml:"path" need:"yes"`
	Parameters []parameterYAML `yaml:"parameters" need:"yes"`
	Upstream   upstreamYAML    `yaml:"upstream" need:"yes"`
	Response   responseYAML    `yaml:"response" need:"yes"`
}

type parameterYAML struct {
	Name     strictyaml.Text `yaml:"name" need:"yes"`
	In       strictyaml.Text `yaml:"in" need:"yes"`
	Type     strictyaml.Text `yaml:"type" need:"yes"`
	Required bool            `yaml:"required"`
	Person   bool            `yaml:"person"`
	Min      int             `yaml:"min"`
	Max      int             `yaml:"max"`
	Send     sendYAML        `yaml:"send" need:"yes"`
}

type sendYAML struct {
	In strictyaml.Text `yaml:"in" need:"yes"`
	As strictyaml.Text `yaml:"as" need:"yes"`
}

type upstreamYAML struct {
	Method  strictyaml.Text `yaml:"method" need:"yes"`
	Path    strictyaml.Text `yaml:"path" need:"yes"`
	Timeout strictyaml.Text `yaml:"timeout" need:"yes"`
}

type responseYAML struct {
	MediaType strictyaml.Text `yaml:"media_type" need:"yes"`
	MaxBytes  int             `yaml:"max_bytes" need:"yes"`
	Records   strictyaml.Text `yaml:"records" need:"yes"`
	Envelope  []envelopeYAML  `yaml:"envelope" need:"yes"`
}

type envelopeYAML struct {
	At      strictyaml.Text   `yaml:"at" need:"yes"`
	Type    strictyaml.Text   `yaml:"type" need:"yes"`
	Max     *int              `yaml:"max"`
	Allowed []strictyaml.Text `yaml:"allowed"`
}
