package rules

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"hukougate/module/access"
	"hukougate/module/strictyaml"
)

// The names of a bundle's files. All are needed, and nothing else may lie in
// its folder but README.md, *.go, the schema and tests folders and dotfiles.
const (
	bundleName    = "bundle.yaml"
	catalogueName = "catalogue.yaml"
	purposesName  = "purposes.yaml"
	rolesName     = "roles.yaml"
	limitsName    = "limits.yaml"
	scopesName    = "scopes.yaml"
	resourcesName = "resources.yaml"
	modelName     = "model.conf"
	policyName    = "policy.csv"
)

// Files lists the names of a bundle's files.
func Files() []string {
	return []string{bundleName, catalogueName, purposesName, rolesName, limitsName, scopesName, resourcesName, modelName, policyName}
}

// Load reads, checks and compiles the bundle in fsys. Every problem found is
// reported at once, as strictyaml.Problems; a file whose shape is wrong hides the
// problems of the files that refer to it. On any problem there is no Snapshot.
func Load(fsys fs.FS) (*Snapshot, error) {
	l := loader{fsys: fsys, contents: map[string][]byte{}, s: &Snapshot{
		fieldByID: map[string]*Field{}, purposeByID: map[string]*Purpose{}, roleByID: map[string]*Role{},
		resourceByID: map[string]*Resource{}, routeByID: map[string]*Route{}, scopeByID: map[string]*Scope{},
	}}
	l.readAll()
	if len(l.problems) > 0 {
		return nil, l.problems
	}
	// Each part refers only to parts loaded before it.
	for _, part := range []func(){l.bundle, l.catalogue, l.purposes, l.roles, l.limits, l.resources, l.scopes, l.casbin} {
		if part(); l.unread {
			break // or every reference to the file would be a problem too
		}
	}
	if len(l.problems) > 0 {
		return nil, l.problems
	}
	return l.s, nil
}

type loader struct {
	fsys     fs.FS
	contents map[string][]byte
	s        *Snapshot
	problems strictyaml.Problems
	unread   bool // a file's shape is wrong, so that nothing of it is known
}

func (l *loader) add(p strictyaml.Problem) { l.problems = append(l.problems, p) }

func (l *loader) addf(file string, at strictyaml.Text, format string, args ...any) {
	l.add(at.At(file, fmt.Sprintf(format, args...)))
}

func (l *loader) decode(file string, out any) bool {
	ps := strictyaml.Decode(file, l.contents[file], out)
	l.problems = append(l.problems, ps...)
	l.unread = l.unread || len(ps) > 0
	return len(ps) == 0
}

func (l *loader) readAll() {
	entries, err := fs.ReadDir(l.fsys, ".")
	if err != nil {
		l.add(strictyaml.Problem{File: ".", Message: "can't be read: " + reason(err)})
		return
	}
	for _, e := range entries {
		if name := e.Name(); !slices.Contains(Files(), name) && !bystander(e) {
			l.add(strictyaml.Problem{File: name, Message: "is not part of a rules bundle", Nearest: strictyaml.Nearest(name, Files())})
		}
	}
	digest := sha256.New()
	for _, name := range Files() {
		data, err := fs.ReadFile(l.fsys, name)
		if err != nil {
			l.add(strictyaml.Problem{File: name, Message: "can't be read: " + reason(err)})
			continue
		}
		l.contents[name] = data
		fmt.Fprintf(digest, "%s %d\n", name, len(data))
		digest.Write(data)
	}
	l.s.Digest = hex.EncodeToString(digest.Sum(nil))
}

// bystander tells what may lie beside the rules without being one of them.
func bystander(e fs.DirEntry) bool {
	name := e.Name()
	if e.IsDir() {
		return name == "schema" || name == "tests" || strings.HasPrefix(name, ".")
	}
	return name == "README.md" || path.Ext(name) == ".go" || strings.HasPrefix(name, ".") || strings.HasSuffix(name, "~")
}

func reason(err error) string {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "it does not exist"
	case errors.Is(err, fs.ErrPermission):
		return "permission denied"
	}
	return err.Error()
}

func (l *loader) bundle() {
	var f bundleFile
	if !l.decode(bundleName, &f) {
		return
	}
	if !ValidID(f.Name.Value) {
		l.addf(bundleName, f.Name, "name %q is not [a-z][a-z0-9_-]*", f.Name)
	}
	if f.Version < 1 {
		l.add(strictyaml.Problem{File: bundleName, Message: "version starts at 1"})
	}
	zone, err := time.LoadLocation(f.Timezone.Value)
	if err != nil || f.Timezone.Value == "" || f.Timezone.Value == "Local" {
		l.addf(bundleName, f.Timezone, "time zone %q is not known; use a name such as Asia/Shanghai", f.Timezone)
	}
	l.s.Name, l.s.Version, l.s.Zone = f.Name.Value, f.Version, zone
}

var aliasPattern = regexp.MustCompile(`^[^/*~\x00-\x1f\x7f]+$`)

func (l *loader) catalogue() {
	var f catalogueFile
	if !l.decode(catalogueName, &f) {
		return
	}
	levels := []string{string(General), string(Sensitive), string(High), string(Control), string(Drop)}
	aliasOf := map[string]string{}
	for _, y := range f.Fields {
		if !l.newID(catalogueName, y.ID, l.s.fieldByID[y.ID.Value] != nil) {
			continue
		}
		if !slices.Contains(levels, y.Level.Value) {
			l.add(y.Level.At(catalogueName, fmt.Sprintf("level %q is not known", y.Level), levels...))
		}
		for _, a := range y.Aliases {
			switch {
			case !aliasPattern.MatchString(a.Value):
				// To the masker these characters make a path out of a name.
				l.addf(catalogueName, a, "alias %q is empty or holds /, *, ~ or a control character; it is the one name of a member", a)
			case aliasOf[a.Value] != "":
				l.addf(catalogueName, a, "alias %q already stands for %q", a, aliasOf[a.Value])
			}
			aliasOf[a.Value] = y.ID.Value
		}
		field := &Field{ID: y.ID.Value, Title: l.title(catalogueName, y.ID, y.Title), Level: Level(y.Level.Value), Aliases: values(y.Aliases), Standard: y.Standard.Value, TwinOf: y.TwinOf.Value}
		l.s.Fields = append(l.s.Fields, field)
		l.s.fieldByID[field.ID] = field
	}
	for _, y := range f.Fields {
		if y.TwinOf.Value == "" {
			continue
		}
		if known(l, catalogueName, y.TwinOf, "field", l.s.fieldByID) && y.TwinOf.Value == y.ID.Value {
			l.addf(catalogueName, y.TwinOf, "field %q is its own twin", y.ID)
		}
	}
}

func (l *loader) purposes() {
	var f purposesFile
	if !l.decode(purposesName, &f) {
		return
	}
	for _, y := range f.Purposes {
		if !l.newID(purposesName, y.ID, l.s.purposeByID[y.ID.Value] != nil) {
			continue
		}
		if y.LegalBasis.Value == "" || len(y.Departments) == 0 || len(y.Proof) == 0 {
			l.addf(purposesName, y.ID, "purpose %q needs a legal_basis, departments and proof", y.ID)
		}
		p := &Purpose{ID: y.ID.Value, Title: l.title(purposesName, y.ID, y.Title), LegalBasis: y.LegalBasis.Value, Departments: values(y.Departments), Proof: values(y.Proof)}
		l.s.Purposes = append(l.s.Purposes, p)
		l.s.purposeByID[p.ID] = p
	}
}

func (l *loader) roles() {
	var f rolesFile
	if !l.decode(rolesName, &f) {
		return
	}
	kinds := []string{string(access.Internal), string(access.External)}
	for _, y := range f.Roles {
		if !l.newID(rolesName, y.ID, l.s.roleByID[y.ID.Value] != nil) {
			continue
		}
		if !strings.Contains(y.ID.Value, "_") {
			// To Casbin a caller named like a role has that role; callers' ids hold no "_".
			l.addf(rolesName, y.ID, "role id %q needs an underscore, so that no caller can bear it", y.ID)
		}
		if !slices.Contains(kinds, y.Kind.Value) {
			l.add(y.Kind.At(rolesName, fmt.Sprintf("kind %q is not known", y.Kind), kinds...))
		}
		r := &Role{ID: y.ID.Value, Title: l.title(rolesName, y.ID, y.Title), Kind: access.CallerKind(y.Kind.Value)}
		l.s.Roles = append(l.s.Roles, r)
		l.s.roleByID[r.ID] = r
	}
}

func (l *loader) limits() {
	var f limitsFile
	if !l.decode(limitsName, &f) {
		return
	}
	limited := map[string]bool{}
	for _, y := range f.Limits {
		if !known(l, limitsName, y.Role, "role", l.s.roleByID) {
			continue
		}
		role := l.s.roleByID[y.Role.Value]
		if limited[role.ID] {
			l.addf(limitsName, y.Role, "role %q has a limit already", y.Role)
		}
		if y.RequestsPerMinute < 1 || y.Burst < 1 || y.PersonsPerDay < 1 {
			l.addf(limitsName, y.Role, "limits of role %q start at 1; to forbid a role, remove its policy lines", y.Role)
		}
		limited[role.ID] = true
		role.Limit = Limit{RequestsPerMinute: y.RequestsPerMinute, Burst: y.Burst, PersonsPerDay: y.PersonsPerDay}
	}
	for _, r := range l.s.Roles {
		if !limited[r.ID] {
			l.add(strictyaml.Problem{File: limitsName, Message: fmt.Sprintf("role %q has no limit; every role needs one", r.ID)})
		}
	}
}
