//go:build !linux && !darwin

package ledger

import (
	"errors"
	"os"
)

// Without a lock we know to hold, a ledger is not opened; Verify works anywhere.
func flock(*os.File) error { return errors.ErrUnsupported }

func freeBytes(string) (uint64, error) { return 0, errors.ErrUnsupported }
