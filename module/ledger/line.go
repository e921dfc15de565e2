package ledger

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"
)

// Bounds of format v1, in bytes.
const (
	MaxLine = 1 << 20 // one line with its hash and its newline
	MaxText = 1024    // one text
	// MaxSources is how many sources one strangers record may list.
	MaxSources = 256
)

const (
	hashLength  = 2 * sha256.Size
	headVersion = `{"v":1,"seq":`
	headPrev    = `,"prev":"`
	// maxHead is the longest that may precede a body, with the newline after it.
	maxHead = hashLength + 1 + len(headVersion) + 20 + len(headPrev) + hashLength + 1 + 1
)

// genesis stands for the hash before the first record.
var genesis = strings.Repeat("0", hashLength)

// appendLine appends one whole line to b and returns its hash. The hash covers
// the JSON bytes only, so that sha256sum can check a line.
func appendLine(b []byte, seq uint64, prev string, body []byte) ([]byte, string) {
	start := len(b)
	b = append(b, genesis...) // place for the hash
	b = append(b, ' ')
	b = append(b, headVersion...)
	b = strconv.AppendUint(b, seq, 10)
	b = append(b, headPrev...)
	b = append(b, prev...)
	b = append(b, '"')
	b = append(b, body...)
	sum := sha256.Sum256(b[start+hashLength+1:])
	hex.Encode(b[start:], sum[:])
	hash := string(b[start : start+hashLength])
	return append(b, '\n'), hash
}

// parseLine reads one line without its newline: its hash, its JSON, strictly.
// The chain is not looked at. The error is a *defect.
func parseLine(line []byte) (at Position, prev string, r Record, err error) {
	if len(line) < hashLength+1 || line[hashLength] != ' ' {
		return Position{}, "", Record{}, &defect{Tampered, "the line is not a hash, a space and JSON"}
	}
	raw := line[hashLength+1:]
	sum := sha256.Sum256(raw)
	var want [hashLength]byte
	hex.Encode(want[:], sum[:])
	if string(want[:]) != string(line[:hashLength]) {
		return Position{}, "", Record{}, &defect{Tampered, "its hash is not the SHA-256 of its JSON"}
	}
	seq, prev, r, err := decodeJSON(raw)
	if err != nil {
		return Position{}, "", Record{}, err
	}
	return Position{Seq: seq, Hash: string(want[:])}, prev, r, nil
}

func isHash(s string) bool { return len(s) == hashLength && isHex(s) }

func isHex(s string) bool {
	for i := range len(s) {
		if (s[i] < '0' || s[i] > '9') && (s[i] < 'a' || s[i] > 'f') {
			return false
		}
	}
	return true
}
