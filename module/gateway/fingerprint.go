package gateway

import (
	"fmt"
	"os"
	"strings"
)

// fingerprint changes whenever a file in the folder, or a file itself, is
// written, replaced, added or removed.
func fingerprint(path string) string {
	info, err := os.Stat(path)
	if err != nil {
		return "missing"
	}
	if !info.IsDir() {
		return stamp(info)
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return "unreadable"
	}
	var b strings.Builder
	for _, entry := range entries {
		// Stat, not Info: it follows the links Kubernetes mounts files through.
		if info, err := os.Stat(path + string(os.PathSeparator) + entry.Name()); err == nil && !info.IsDir() {
			b.WriteString(stamp(info))
		}
	}
	return b.String()
}

func stamp(info os.FileInfo) string {
	return fmt.Sprintf("%s %d %d %s\n", info.Name(), info.Size(), info.ModTime().UnixNano(), identityOf(info))
}
