// Package demofiles holds the signed grants of the demo, and the public key
// they are signed with, as data. The private key was thrown away: README.md
// says how the grants are made anew.
package demofiles

import "embed"

// FS holds grants/*.yaml and trust.pub.
//
//go:embed grants/*.yaml trust.pub
var FS embed.FS
