package identity

import (
	"context"
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/go-jose/go-jose/v4"
)

// KeyFile is a KeySet in a JWK Set file, read again whenever the file changes.
// A file that is gone or wrong withdraws all its keys at once: taking a key out
// of the file is how it is revoked, so an older reading may not be relied on.
type KeyFile struct {
	path string

	mu   sync.Mutex
	set  keySet
	seen os.FileInfo // of the reading that gave set or err
	err  error
}

// NewKeyFile reads the key set at path, which must be in order to start with.
func NewKeyFile(path string) (*KeyFile, error) {
	f := &KeyFile{path: path}
	if err := f.Check(); err != nil {
		return nil, err
	}
	return f, nil
}

// Check reads the file if it changed and tells what is wrong with it; nil when
// its keys are in use.
func (f *KeyFile) Check() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.refresh()
	return f.err
}

// Key implements KeySet.
func (f *KeyFile) Key(_ context.Context, kid string) (jose.JSONWebKey, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.refresh()
	if f.err != nil {
		return jose.JSONWebKey{}, fmt.Errorf("%w: %w", ErrUnavailable, f.err)
	}
	return f.set.find(kid)
}

func (f *KeyFile) refresh() {
	info, err := os.Stat(f.path)
	if err != nil {
		f.set, f.seen, f.err = nil, nil, fmt.Errorf("identity: key set: %w", err)
		return
	}
	if f.seen != nil && os.SameFile(f.seen, info) && f.seen.Size() == info.Size() && f.seen.ModTime().Equal(info.ModTime()) {
		return
	}
	data, err := readKeyFile(f.path, info)
	if err != nil {
		// seen stays empty: what hinders reading may end without a new content.
		f.set, f.seen, f.err = nil, nil, fmt.Errorf("identity: key set: %w", err)
		return
	}
	// info was taken before reading: a change in between is seen next time.
	f.set, err = parseKeySet(data)
	if err != nil {
		err = fmt.Errorf("identity: %s: %w", f.path, err)
	}
	f.seen, f.err = info, err
}

func readKeyFile(path string, info os.FileInfo) ([]byte, error) {
	if !info.Mode().IsRegular() {
		// Opening a named pipe would wait for its writer.
		return nil, fmt.Errorf("%s is not a regular file", path)
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return io.ReadAll(io.LimitReader(file, maxKeySet+1))
}

var _ KeySet = (*KeyFile)(nil)
