//go:build !linux

package ledger

import "os"

// datasync makes written data durable; on macOS, File.Sync asks for F_FULLFSYNC.
func datasync(f *os.File) error { return f.Sync() }
