// Package shipped holds the rules the product ships with, as data: the bundle,
// its JSON Schemas and its decision tests.
package shipped

import "embed"

// FS holds the bundle's files at its root, with schema and tests beside them.
// rules.Load reads it as it is.
//
//go:embed *.yaml model.conf policy.csv schema/*.json tests/*.yaml
var FS embed.FS
