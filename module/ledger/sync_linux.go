package ledger

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// datasync makes written data durable, with the file's length but without its
// times (fdatasync(2)).
func datasync(f *os.File) error {
	for {
		err := unix.Fdatasync(int(f.Fd()))
		if !errors.Is(err, unix.EINTR) {
			return os.NewSyscallError("fdatasync", err)
		}
	}
}
