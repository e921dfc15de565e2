package ledger

import (
	"bytes"
	"testing"
	"time"

	"hukougate/module/access"
)

// FuzzDecodeJSON: whatever is accepted has exactly one spelling, its own. The
// hash is left out, or the fuzzer would never get past it.
func FuzzDecodeJSON(f *testing.F) {
	for _, r := range all() {
		line, _ := appendLine(nil, 1, genesis, encodeBody(&r))
		f.Add(line[hashLength+1 : len(line)-1])
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		seq, prev, r, err := decodeJSON(raw)
		if err != nil {
			return
		}
		line, _ := appendLine(nil, seq, prev, encodeBody(&r))
		if again := line[hashLength+1 : len(line)-1]; !bytes.Equal(again, raw) {
			t.Errorf("read  %q\nwrote %q", raw, again)
		}
	})
}

// FuzzParseLine: no line makes the parser panic, and what it accepts is whole.
func FuzzParseLine(f *testing.F) {
	for _, r := range all() {
		line, _ := appendLine(nil, 1, genesis, encodeBody(&r))
		f.Add(line[:len(line)-1])
	}
	f.Add([]byte(genesis + " "))
	f.Fuzz(func(t *testing.T, line []byte) {
		at, _, r, err := parseLine(line)
		if err == nil && (at.Seq == 0 || !isHash(at.Hash) || r.Kind == "" || bytes.IndexByte(line, '\n') >= 0) {
			t.Errorf("accepted %q", line)
		}
	})
}

// FuzzRecord: what the checker lets through is read back the same.
func FuzzRecord(f *testing.F) {
	f.Add("r", "bank", `"\`, "p1_a", 200, int64(1767323045678901))
	f.Add("\x00", "\xff", "\u2028", "", -1, int64(-1))
	f.Fuzz(func(t *testing.T, receipt, caller, basis, person string, n int, micros int64) {
		r := Record{
			Kind: KindRefusal, Time: time.UnixMicro(micros).UTC(), Gateway: "g", Receipt: receipt, Caller: caller,
			LegalBasis: basis, Persons: []string{person}, Status: n, Records: n, Reason: access.NotPermitted,
			Fields: []access.FieldCount{{Field: caller, Clear: n}},
		}
		if check(&r) != nil {
			return
		}
		line, hash := appendLine(nil, 1, genesis, encodeBody(&r))
		at, _, back, err := parseLine(line[:len(line)-1])
		if err != nil || at.Hash != hash || !bytes.Equal(encodeBody(&back), encodeBody(&r)) || back.LegalBasis != basis {
			t.Errorf("%q came back as %+v, %v", line, back, err)
		}
		if bytes.IndexByte(line, '\n') != len(line)-1 {
			t.Errorf("a newline within %q", line)
		}
	})
}
