package ledger

import (
	"bytes"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// goldenTail is what the recovered record of the golden ledger set aside.
const goldenTail = "half a rec"

// golden is the committed ledger of format v1: one record of each kind and one
// of each outcome. Its bytes are permanent: if a test on it fails, the code is
// wrong, never the file.
func golden(t *testing.T) (raw []byte, dir string) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", "v1.hukoulog"))
	if err != nil {
		t.Fatal(err)
	}
	return raw, save(t, map[string][]byte{segmentName(1): raw, goldenRecords()[2].Recovered.File: []byte(goldenTail)})
}

func goldenRecords() []Record {
	torn := tornFile(tip{at: chain{next: 3}, tail: []byte(goldenTail)})
	records := []Record{
		{Kind: KindOpen, Time: epoch}, smallRefusal(), {Kind: KindRecovered, Time: epoch, Recovered: &torn},
		rulesLoaded(), rulesRefused(), strangers(), fullAccess(),
	}
	for i := range records {
		records[i].Gateway = "gate-1"
	}
	return records
}

func TestGoldenVerifiesForEver(t *testing.T) {
	_, dir := golden(t)
	report := wantIntact(t, dir)
	if report.Records != 7 || report.Torn != 1 {
		t.Errorf("%+v", report)
	}
	for _, k := range report.Kinds {
		if k.Count == 0 {
			t.Errorf("the golden ledger has no %s", k.Kind)
		}
	}
	want := goldenRecords()
	if err := Scan(dir, func(at Position, r Record) error {
		if !reflect.DeepEqual(r, want[at.Seq-1]) {
			t.Errorf("record %d is read as %+v", at.Seq, r)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

func TestGoldenIsStillWritten(t *testing.T) {
	raw, _ := golden(t)
	var out []byte
	prev := genesis
	for i, r := range goldenRecords() {
		out, prev = appendLine(out, uint64(i)+1, prev, encodeBody(&r))
	}
	if !bytes.Equal(out, raw) {
		t.Errorf("we write v1 differently now:\n%s", out)
	}
}

// TestShellCheckOfTheReadme runs the loop the README gives to auditors, on the
// golden ledger, on one of several segments, and on changed ones.
func TestShellCheckOfTheReadme(t *testing.T) {
	for _, tool := range []string{"sh", "sha256sum"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Fatal(err)
		}
	}
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(readme), "```sh\n")
	script, _, found := strings.Cut(rest, "```")
	if !found {
		t.Fatal("the README has no shell loop")
	}
	check := func(dir string) (string, error) {
		cmd := exec.Command("sh", "-c", script)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	_, dir := golden(t)
	if out, err := check(dir); err != nil || !strings.Contains(out, "7 records") {
		t.Errorf("golden: %v\n%s", err, out)
	}
	dir = build(t, 9, 1500)
	files := load(t, dir)
	segments := segmentsOf(t, dir)
	if out, err := check(dir); err != nil || !strings.Contains(out, wantIntact(t, dir).Last.Hash) {
		t.Errorf("several segments: %v\n%s", err, out)
	}
	emptied := maps.Clone(files)
	emptied[segments[0].name] = nil
	if out, err := check(save(t, emptied)); err == nil {
		t.Errorf("emptied: the loop found nothing:\n%s", out)
	}
	for first, passes := range map[uint64]bool{10: true, 11: true, 12: false} {
		empty := maps.Clone(files)
		empty[segmentName(first)] = nil
		if out, err := check(save(t, empty)); (err == nil) != passes {
			t.Errorf("10 records and empty segment %d: %v\n%s", first, err, out)
		}
	}
	for what, edit := range map[string]func(raw []byte) []byte{
		"changed": func(raw []byte) []byte { raw = bytes.Clone(raw); raw[100] ^= 1; return raw },
		"removed": func(raw []byte) []byte { return []byte(strings.Join(lines(raw)[1:], "")) },
		"torn":    func(raw []byte) []byte { return raw[:len(raw)-1] },
	} {
		changed := map[string][]byte{}
		for _, s := range segments {
			changed[s.name] = files[s.name]
		}
		changed[segments[1].name] = edit(changed[segments[1].name])
		if out, err := check(save(t, changed)); err == nil {
			t.Errorf("%s: the loop found nothing:\n%s", what, out)
		}
	}
}
