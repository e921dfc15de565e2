package ledger

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
)

// setAside keeps a torn tail in a file of its own and only then cuts it from
// the segment. A crash at any point leaves the bytes in at least one of the two,
// and the next opening goes on from there.
func setAside(dir string, end tip, parts []string) error {
	for _, name := range parts {
		// A part repeats bytes that still stand in the segment.
		if err := os.Remove(join(dir, name)); err != nil {
			return err
		}
	}
	if len(end.tail) == 0 {
		return nil
	}
	if err := keep(dir, tornFile(end).File, end.tail); err != nil {
		return err
	}
	f, err := os.OpenFile(join(dir, end.segment.name), os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	err = f.Truncate(end.size)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

func tornFile(end tip) Recovered {
	sum := sha256.Sum256(end.tail)
	hash := hex.EncodeToString(sum[:])
	return Recovered{Bytes: len(end.tail), SHA256: hash, File: tornName(end.at.next, hash)}
}

// keep writes a file whole or not at all, durably, and never over another.
func keep(dir, name string, content []byte) error {
	path, part := join(dir, name), join(dir, name+partSuffix)
	if info, err := os.Lstat(path); err == nil && info.Mode().IsRegular() {
		// There already: a crash came before the segment was cut. findEnd held
		// its bytes against its name, but its name may not be durable yet.
		return syncDir(openFolder, dir)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return errors.Join(errors.New("the place of a torn file is taken: "+name), err)
	}
	f, err := os.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := os.Rename(part, path); err != nil {
		return err
	}
	return syncDir(openFolder, dir)
}

// discard removes the empty segments after the last record, so that the next
// segment's name is free and the last one is the one written to.
func discard(dir string, stale []segment) error {
	for _, s := range stale {
		info, err := os.Lstat(join(dir, s.name))
		if err != nil {
			return err
		}
		if info.Size() > 0 { // never bytes that nobody looked at
			return errors.New("someone else writes to " + s.name)
		}
		if err := os.Remove(join(dir, s.name)); err != nil {
			return err
		}
	}
	return nil
}

// announce appends a record for each torn file none names yet, and the record
// of this opening. It never begins a new segment: see unnamed.
func (w *writer) announce(end tip) error {
	told := end.pending
	if len(end.tail) > 0 {
		fresh := tornFile(end)
		again := false
		for _, r := range told {
			again = again || r.File == fresh.File
		}
		if !again {
			told = append(told, fresh)
		}
	}
	var bodies [][]byte
	for i := range told {
		body, err := w.opts.body(Record{Kind: KindRecovered, Recovered: &told[i]})
		if err != nil {
			return err
		}
		bodies = append(bodies, body)
	}
	body, err := w.opts.body(Record{Kind: KindOpen})
	if err != nil {
		return err
	}
	_, err = w.commit(append(bodies, body))
	return err
}
