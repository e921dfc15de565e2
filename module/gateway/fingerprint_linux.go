package gateway

import (
	"fmt"
	"os"
	"syscall"
)

// identityOf adds what a replacement can't keep even when it keeps size and
// modification time (cp -p, rsync -t): the inode, and the time of its change.
func identityOf(info os.FileInfo) string {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return fmt.Sprintf("%d %d.%d", s.Ino, s.Ctim.Sec, s.Ctim.Nsec)
	}
	return ""
}
