package keys

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// File is a Ring kept in one JSON file readable by its owner only. It is the
// embedded default for one machine; Vault takes its place in production.
type File struct {
	keys map[Name][]Key // ascending versions
}

type fileKey struct {
	Name    Name   `json:"name"`
	Version int    `json:"version"`
	Secret  string `json:"secret"` // base64, Size bytes
}

type fileRing struct {
	Format string    `json:"format"`
	Keys   []fileKey `json:"keys"`
}

const fileFormat = "hukougate-keys-v1"

// OpenFile reads a key file. It refuses one that others may read, a duplicate
// name and version, and any key Needed does not find.
func OpenFile(path string) (*File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("keys: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("keys: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("keys: %s may be read by others (mode %04o); run: chmod 600 %s", path, info.Mode().Perm(), path)
	}
	raw, err := io.ReadAll(io.LimitReader(f, 1<<20))
	if err != nil {
		return nil, fmt.Errorf("keys: %w", err)
	}
	ring, err := parseFile(raw)
	if err != nil {
		return nil, fmt.Errorf("keys: %s: %w", path, err)
	}
	return ring, nil
}

func parseFile(raw []byte) (*File, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	var in fileRing
	if err := dec.Decode(&in); err != nil {
		// The decoder's message may quote what it read: say only where.
		return nil, fmt.Errorf("not a key file (near byte %d)", dec.InputOffset())
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the key file's JSON")
	}
	if in.Format != fileFormat {
		return nil, fmt.Errorf("format is not %q", fileFormat)
	}
	ring := &File{keys: map[Name][]Key{}}
	for _, k := range in.Keys {
		secret, err := base64.StdEncoding.Strict().DecodeString(k.Secret)
		if err != nil {
			return nil, fmt.Errorf("key %s version %d is not base64", k.Name, k.Version)
		}
		key, err := New(k.Name, k.Version, secret)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(ring.keys[k.Name], func(o Key) bool { return o.version == key.version }) {
			return nil, fmt.Errorf("key %s version %d stands twice", k.Name, k.Version)
		}
		ring.keys[k.Name] = append(ring.keys[k.Name], key)
	}
	for name, versions := range ring.keys {
		slices.SortFunc(versions, func(a, b Key) int { return a.version - b.version })
		ring.keys[name] = versions
	}
	for _, name := range Needed() {
		if len(ring.keys[name]) == 0 {
			return nil, fmt.Errorf("%w: %s", ErrUnknown, name)
		}
	}
	return ring, nil
}

// CreateFile writes a new key file (mode 0600) with one random version of every
// Needed key. It never overwrites: an existing file is an error.
func CreateFile(path string) error {
	out := fileRing{Format: fileFormat}
	for _, name := range Needed() {
		secret := make([]byte, Size)
		if _, err := rand.Read(secret); err != nil {
			return fmt.Errorf("keys: %w", err)
		}
		out.Keys = append(out.Keys, fileKey{Name: name, Version: 1, Secret: base64.StdEncoding.EncodeToString(secret)})
	}
	raw, err := json.MarshalIndent(out, "", "  ")
	if err != nil {
		return fmt.Errorf("keys: %w", err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("keys: %s exists already; keys are never overwritten", path)
	}
	if err != nil {
		return fmt.Errorf("keys: %w", err)
	}
	_, werr := f.Write(append(raw, '\n'))
	if err := errors.Join(werr, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("keys: %w", err)
	}
	return syncDir(filepath.Dir(path))
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("keys: %w", err)
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		return fmt.Errorf("keys: %w", err)
	}
	return nil
}

// Current returns the highest version of a name.
func (f *File) Current(_ context.Context, name Name) (Key, error) {
	versions := f.keys[name]
	if len(versions) == 0 {
		return Key{}, fmt.Errorf("%w: %s", ErrUnknown, name)
	}
	return versions[len(versions)-1], nil
}

// Version returns one version of a name.
func (f *File) Version(_ context.Context, name Name, version int) (Key, error) {
	for _, k := range f.keys[name] {
		if k.version == version {
			return k, nil
		}
	}
	return Key{}, fmt.Errorf("%w: %s version %d", ErrUnknown, name, version)
}

var _ Ring = (*File)(nil)
