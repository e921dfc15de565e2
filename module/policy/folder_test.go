package policy

import (
	"crypto/ed25519"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hukougate/module/access"
)

// shelf is a folder of grants whose trusted key is signer(1).
type shelf struct {
	*Folder
	t   *testing.T
	dir string
}

func newShelf(t *testing.T) *shelf {
	t.Helper()
	dir := t.TempDir()
	f, err := OpenFolder(dir, []ed25519.PublicKey{public(signer(1))})
	if err != nil {
		t.Fatal(err)
	}
	return &shelf{f, t, dir}
}

func (s *shelf) write(name string, text []byte) {
	s.t.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, name), text, 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// put writes a grant signed by the trusted key.
func (s *shelf) put(name string, changes ...func(*access.Grant)) {
	s.t.Helper()
	s.write(name, Sign(FormatGrant(grant(changes...)), signer(1)))
}

// reload wants the error to hold every text, or none when there are none, and
// the grants in force to be those of the applications, in order.
func (s *shelf) reload(applications string, problems ...string) {
	s.t.Helper()
	err := s.Reload()
	if (err != nil) != (len(problems) > 0) {
		s.t.Errorf("problems: %v, want %q", err, problems)
	}
	for _, want := range problems {
		if err != nil && !strings.Contains(err.Error(), want) {
			s.t.Errorf("problems: %v, want %q", err, want)
		}
	}
	var got []string
	for _, g := range s.Grants() {
		got = append(got, g.Application)
	}
	if strings.Join(got, " ") != applications {
		s.t.Errorf("in force: %q, want %q", got, applications)
	}
}

func app(number string) func(*access.Grant) {
	return func(g *access.Grant) { g.Application = number }
}

func revision(n int) func(*access.Grant) { return func(g *access.Grant) { g.Revision = n } }

func TestFolderTakesOnlySignedGrants(t *testing.T) {
	s := newShelf(t)
	s.reload("") // an empty folder is no error, and grants nothing
	s.put("b.yaml", app("APP-B"))
	s.put("a.yaml", app("APP-C"))
	s.put("c.yaml", app("APP-A"))
	s.reload("APP-A APP-B APP-C")

	s.write("unsigned.yaml", FormatGrant(grant(app("APP-D"))))
	s.write("foreign.yaml", Sign(FormatGrant(grant(app("APP-E"))), signer(2)))
	s.write("changed.yaml", []byte(strings.Replace(string(Sign(FormatGrant(grant(app("APP-F"))), signer(1))), "persons_per_day: 8", "persons_per_day: 9", 1)))
	s.write("wrong.yaml", Sign([]byte("application: APP-G\n"), signer(1)))
	s.write("large.yaml", append(Sign(FormatGrant(grant(app("APP-H"))), signer(1)), make([]byte, maxGrantBytes)...))
	if err := os.Mkdir(filepath.Join(s.dir, "folder.yaml"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("absent", filepath.Join(s.dir, "dangling.yaml")); err != nil {
		t.Fatal(err)
	}
	// Neither of these is taken for a grant.
	s.write("notes.txt", []byte("APP-I"))
	s.write(".hidden.yaml", Sign(FormatGrant(grant(app("APP-J"))), signer(1)))
	s.write("k.yaml.new", Sign(FormatGrant(grant(app("APP-K"))), signer(1)))
	s.reload("APP-A APP-B APP-C",
		"unsigned.yaml: the grant is not signed", "foreign.yaml: the grant is signed by no trusted key",
		"changed.yaml: the grant's signature does not fit its text", `wrong.yaml:1:1: "revision" is missing`,
		"large.yaml: not a plain file of at most", "folder.yaml: not a plain file", "dangling.yaml")
}

func TestGrantGoesWithItsFile(t *testing.T) {
	s := newShelf(t)
	s.put("a.yaml", app("APP-A"))
	s.put("b.yaml", app("APP-B"))
	s.reload("APP-A APP-B")
	before := s.Grants()
	if err := os.Remove(filepath.Join(s.dir, "a.yaml")); err != nil {
		t.Fatal(err)
	}
	s.reload("APP-B")
	if len(before) != 2 || before[0].Application != "APP-A" {
		t.Errorf("a slice given out before was changed: %+v", before)
	}
	// Changed on disk without a new signature, it goes too; the other stays.
	s.put("a.yaml", app("APP-A"))
	s.reload("APP-A APP-B")
	s.write("a.yaml", append([]byte("# \n"), Sign(FormatGrant(grant(app("APP-A"))), signer(1))...))
	s.reload("APP-B", "a.yaml: the grant's signature does not fit its text")
}

func TestSameApplicationInTwoFiles(t *testing.T) {
	s := newShelf(t)
	s.put("a.yaml", app("APP-A"))
	s.put("b.yaml", app("APP-A"))
	s.put("c.yaml", app("APP-B"))
	s.reload("APP-B", "b.yaml: application APP-A stands in a.yaml too; neither is in force")
	s.put("d.yaml", app("APP-A"))
	s.reload("APP-B", "b.yaml: application APP-A", "d.yaml: application APP-A")
}

// TestNoWayBack: an older signed copy, or another text under the same revision,
// does not bring back what was withdrawn.
func TestNoWayBack(t *testing.T) {
	s := newShelf(t)
	s.put("a.yaml", revision(1))
	s.reload("APP-1")
	s.put("a.yaml", revision(2), func(g *access.Grant) { g.Revoked = true })
	s.reload("APP-1")
	if g := s.Grants()[0]; !g.Revoked || g.Revision != 2 {
		t.Fatalf("the revocation is not in force: %+v", g)
	}
	s.put("a.yaml", revision(1))
	s.reload("", "a.yaml: application APP-1: revision 1 is older than 2, which was seen")
	s.put("a.yaml", revision(2))
	s.reload("", "a.yaml: application APP-1: another text under the same revision 2")

	// Not under another file name either, nor after the file was gone for a while.
	if err := os.Rename(filepath.Join(s.dir, "a.yaml"), filepath.Join(s.dir, "z.yaml")); err != nil {
		t.Fatal(err)
	}
	s.reload("", "z.yaml: application APP-1: another text")
	if err := os.Remove(filepath.Join(s.dir, "z.yaml")); err != nil {
		t.Fatal(err)
	}
	s.reload("")
	s.put("a.yaml", revision(1))
	s.reload("", "revision 1 is older than 2")
	s.put("a.yaml", revision(3))
	s.reload("APP-1")
}

// TestRevisionsInDoubtCount: of two files for one application neither is in
// force, and taking the newer away does not let the older in.
func TestRevisionsInDoubtCount(t *testing.T) {
	s := newShelf(t)
	s.put("a.yaml", revision(1))
	s.put("b.yaml", revision(2), func(g *access.Grant) { g.Revoked = true })
	s.reload("", "b.yaml: application APP-1 stands in a.yaml too; neither is in force")
	if err := os.Remove(filepath.Join(s.dir, "b.yaml")); err != nil {
		t.Fatal(err)
	}
	s.reload("", "a.yaml: application APP-1: revision 1 is older than 2")

	// A plain copy does no harm once it is gone.
	s.put("a.yaml", revision(3))
	s.put("b.yaml", revision(3))
	s.reload("", "neither is in force")
	if err := os.Remove(filepath.Join(s.dir, "a.yaml")); err != nil {
		t.Fatal(err)
	}
	s.reload("APP-1")
	s.put("a.yaml", revision(1))
	s.reload("APP-1", "a.yaml: application APP-1: revision 1 is older than 3")
}

func TestUnreadableFolderGrantsNothing(t *testing.T) {
	s := newShelf(t)
	s.put("a.yaml")
	s.reload("APP-1")
	moved := s.dir + ".moved"
	if err := os.Rename(s.dir, moved); err != nil {
		t.Fatal(err)
	}
	s.reload("", "policy: grants: ")
	if err := os.Rename(moved, s.dir); err != nil {
		t.Fatal(err)
	}
	s.reload("APP-1")
}

func TestOpenFolderNeedsTrust(t *testing.T) {
	if f, err := OpenFolder(t.TempDir(), nil); err == nil || f != nil {
		t.Error("a folder without a trusted key is opened")
	}
	s := newShelf(t)
	s.put("a.yaml")
	if got := s.Grants(); len(got) != 0 {
		t.Errorf("before the first Reload there are %d grants", len(got))
	}
}
