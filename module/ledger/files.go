package ledger

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

const (
	lockName      = "lock"
	segmentSuffix = ".hukoulog"
	tornPrefix    = "torn-"
	tornSuffix    = ".bin"
	partSuffix    = ".part" // a torn file that is still being written
	seqDigits     = 20
	shortHash     = 16 // hex digits of the SHA-256 in a torn file's name
)

func segmentName(first uint64) string { return fmt.Sprintf("%0*d%s", seqDigits, first, segmentSuffix) }

func tornName(seq uint64, hash string) string {
	return fmt.Sprintf("%s%0*d-%s%s", tornPrefix, seqDigits, seq, hash[:shortHash], tornSuffix)
}

func parseSegmentName(name string) (first uint64, ok bool) {
	digits, found := strings.CutSuffix(name, segmentSuffix)
	if !found || len(digits) != seqDigits {
		return 0, false
	}
	first, err := strconv.ParseUint(digits, 10, 64)
	return first, err == nil && first > 0 && segmentName(first) == name
}

func parseTornName(name string) (seq uint64, short string, ok bool) {
	mid, found := strings.CutPrefix(name, tornPrefix)
	mid, suffixed := strings.CutSuffix(mid, tornSuffix)
	if !found || !suffixed || len(mid) != seqDigits+1+shortHash || mid[seqDigits] != '-' {
		return 0, "", false
	}
	short = mid[seqDigits+1:]
	seq, err := strconv.ParseUint(mid[:seqDigits], 10, 64)
	return seq, short, err == nil && seq > 0 && isHex(short)
}

type segment struct {
	name  string
	first uint64 // number of its first record, as its name says
	empty bool   // it held nothing when the directory was listed
}

// lastWithRecords gives the index of the last segment that is not empty, 0 when
// there is none. Only there can a write be torn: the empty ones after it are what
// a crash left of attempts to begin a segment.
func lastWithRecords(segments []segment) int {
	for i := len(segments) - 1; i > 0; i-- {
		if !segments[i].empty {
			return i
		}
	}
	return 0
}

// listing is what a ledger's directory holds, each slice in order of name,
// which for segments is the order of their records.
type listing struct {
	segments []segment
	torn     []string
	parts    []string // left by a crash while a torn file was written
	unknown  []string // anything else, and whatever is no regular file
	lock     bool     // the lock file is there and holds something
}

func listDir(dir string) (listing, error) {
	entries, err := os.ReadDir(dir) // sorted by name
	if err != nil {
		return listing{}, fmt.Errorf("ledger: %w", err)
	}
	var l listing
	for _, e := range entries {
		name := e.Name()
		first, isSegment := parseSegmentName(name)
		_, _, isTorn := parseTornName(name)
		_, _, isPart := parseTornName(strings.TrimSuffix(name, partSuffix))
		switch {
		case !e.Type().IsRegular():
			l.unknown = append(l.unknown, name)
		case isSegment:
			info, err := e.Info()
			if err != nil {
				return listing{}, fmt.Errorf("ledger: %w", err)
			}
			l.segments = append(l.segments, segment{name, first, info.Size() == 0})
		case isTorn:
			l.torn = append(l.torn, name)
		case isPart:
			l.parts = append(l.parts, name)
		case name == lockName:
			info, err := e.Info()
			if err != nil {
				return listing{}, fmt.Errorf("ledger: %w", err)
			}
			l.lock = info.Size() > 0
		default:
			l.unknown = append(l.unknown, name)
		}
	}
	return l, nil
}

func join(dir, name string) string { return filepath.Join(dir, name) }
