package policy

import (
	"cmp"
	"crypto/ed25519"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"hukougate/module/access"
	"hukougate/module/strictyaml"
)

const maxGrantBytes = 64 << 10

// Folder is a GrantSource over a folder of signed YAML files, one grant each.
// A file that is unsigned, changed after signing, or not well-formed takes its
// grant away; the others stay. Revisions already seen are kept in memory, so
// that an older signed copy can't bring back a revoked grant while the gate runs.
type Folder struct {
	dir     string
	trusted []ed25519.PublicKey

	reload sync.Mutex
	seen   map[string]seenGrant // by application
	grants atomic.Pointer[[]access.Grant]
}

type seenGrant struct {
	revision int
	digest   string
}

// OpenFolder makes a source of the folder's grants, none loaded yet.
func OpenFolder(dir string, trusted []ed25519.PublicKey) (*Folder, error) {
	if len(trusted) == 0 {
		return nil, fmt.Errorf("policy: grants in %s: no trusted key", dir)
	}
	f := &Folder{dir: dir, trusted: trusted, seen: map[string]seenGrant{}}
	f.grants.Store(&[]access.Grant{})
	return f, nil
}

// Grants returns the grants of the last Reload, ordered by application number.
func (f *Folder) Grants() []access.Grant { return *f.grants.Load() }

// Reload reads the folder again. The error lists every file not accepted; the
// accepted ones are in force whether or not there is an error. When the folder
// itself can't be read, no grant is in force.
func (f *Folder) Reload() error {
	f.reload.Lock()
	defer f.reload.Unlock()
	entries, err := os.ReadDir(f.dir)
	if err != nil {
		f.grants.Store(&[]access.Grant{})
		return fmt.Errorf("policy: grants: %w", err)
	}
	var problems strictyaml.Problems
	var grants, verified []access.Grant
	files := map[string]string{} // by application, the file it stands in
	for _, e := range entries {
		name := e.Name()
		if !strings.HasSuffix(name, ".yaml") || strings.HasPrefix(name, ".") {
			continue
		}
		g, err := f.read(filepath.Join(f.dir, name))
		if err == nil {
			err = f.notOlder(g)
		}
		if err == nil {
			verified = append(verified, g)
		}
		if other := files[g.Application]; err == nil && other != "" {
			// Which of two is meant can't be told: neither is in force.
			grants = slices.DeleteFunc(grants, func(o access.Grant) bool { return o.Application == g.Application })
			err = fmt.Errorf("application %s stands in %s too; neither is in force", g.Application, other)
		}
		if err != nil {
			problems = append(problems, asProblems(name, err)...)
			continue
		}
		files[g.Application] = name
		grants = append(grants, g)
	}
	// Also what was in doubt counts as seen: of two files for one application the
	// later revision may revoke, and must not be undone by taking it away.
	for _, g := range verified {
		if g.Revision > f.seen[g.Application].revision {
			f.seen[g.Application] = seenGrant{g.Revision, g.Digest}
		}
	}
	slices.SortFunc(grants, func(a, b access.Grant) int { return cmp.Compare(a.Application, b.Application) })
	f.grants.Store(&grants)
	return problems.Err()
}

func (f *Folder) read(path string) (access.Grant, error) {
	text, err := readBounded(path)
	if err != nil {
		return access.Grant{}, err
	}
	body, err := Verify(text, f.trusted)
	if err != nil {
		return access.Grant{}, err
	}
	return ParseGrant(filepath.Base(path), body)
}

func (f *Folder) notOlder(g access.Grant) error {
	old, known := f.seen[g.Application]
	switch {
	case known && g.Revision < old.revision:
		return fmt.Errorf("application %s: revision %d is older than %d, which was seen", g.Application, g.Revision, old.revision)
	case known && g.Revision == old.revision && g.Digest != old.digest:
		return fmt.Errorf("application %s: another text under the same revision %d", g.Application, g.Revision)
	}
	return nil
}

func asProblems(file string, err error) strictyaml.Problems {
	var ps strictyaml.Problems
	if errors.As(err, &ps) {
		return ps
	}
	return strictyaml.Problems{{File: file, Message: strings.TrimPrefix(err.Error(), "policy: ")}}
}

func readBounded(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("policy: %w", err)
	}
	if !info.Mode().IsRegular() || info.Size() > maxGrantBytes {
		return nil, fmt.Errorf("policy: not a plain file of at most %d bytes", maxGrantBytes)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("policy: %w", err)
	}
	return text, nil
}

var _ GrantSource = (*Folder)(nil)
