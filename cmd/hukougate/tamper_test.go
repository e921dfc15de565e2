package main

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hukougate/module/demo"
	"hukougate/module/ledger"
	"hukougate/module/registry"
)

// tamperFlips is about how many bytes are changed when not all of them are.
const tamperFlips = 3000

// TestTamperWithAnyByte changes the bytes of a ledger that a running gate made,
// one at a time: the verifier notices each and names the record it stands in.
// With HUKOU_PROOF=1 it is every byte, otherwise every so many.
func TestTamperWithAnyByte(t *testing.T) {
	dir := usedLedger(t)
	whole, err := ledger.Verify(dir, ledger.VerifyOptions{})
	if err != nil {
		t.Fatal(err)
	}
	segments, err := filepath.Glob(filepath.Join(dir, "*.hukoulog"))
	if err != nil || len(segments) == 0 {
		t.Fatal(segments, err)
	}
	stride := max(1, whole.Bytes/tamperFlips)
	if os.Getenv("HUKOU_PROOF") == "1" {
		stride = 1
	}
	flips, first := 0, uint64(1)
	for _, segment := range segments {
		original, err := os.ReadFile(segment)
		if err != nil {
			t.Fatal(err)
		}
		for at := int64(0); at < int64(len(original)); at += stride {
			line := bytes.Count(original[:at], []byte("\n"))
			in := first + uint64(line)
			flips++
			var fault *ledger.Fault
			report, err := verifyChanged(t, dir, segment, original, at)
			switch {
			case !errors.As(err, &fault):
				t.Fatalf("%s: byte %d of record %d changed: %v", filepath.Base(segment), at, in, err)
			case fault.Seq != in || fault.File != filepath.Base(segment):
				t.Errorf("%s: byte %d of record %d changed: the fault is %v", filepath.Base(segment), at, in, err)
			}
			if report.Records >= in {
				t.Errorf("byte %d of record %d changed: %d records pass for verified", at, in, report.Records)
			}
		}
		if err := os.WriteFile(segment, original, 0o600); err != nil {
			t.Fatal(err)
		}
		first += uint64(bytes.Count(original, []byte("\n")))
	}
	t.Logf("%d of %d bytes changed, one at a time, in %d records of %d segments: all noticed, by the number of their record",
		flips, whole.Bytes, whole.Records, whole.Segments)
	if again, err := ledger.Verify(dir, ledger.VerifyOptions{}); err != nil || again.Last != whole.Last {
		t.Errorf("after all was put back: %v", err)
	}
	verifierNamesTheRecord(t, dir, segments[0], whole)
}

// verifyChanged verifies with one bit of one byte changed.
func verifyChanged(t *testing.T, dir, segment string, original []byte, at int64) (ledger.Report, error) {
	t.Helper()
	changed := slices.Clone(original)
	changed[at] ^= 1 << (at % 8)
	if err := os.WriteFile(segment, changed, 0o600); err != nil {
		t.Fatal(err)
	}
	return ledger.Verify(dir, ledger.VerifyOptions{})
}

// usedLedger is the folder of a ledger of accesses, refusals and strangers, made
// by a gate that was stopped.
func usedLedger(t *testing.T) string {
	t.Helper()
	people := registry.Generate(registry.DefaultSeed)
	source := httptest.NewServer(people.Handler())
	defer source.Close()
	site := newSite(t, strings.TrimPrefix(source.URL, "http://"))
	editFile(t, site, "Caddyfile", `ledger "`+site.Path("ledger")+`"`, `ledger "`+site.Path("ledger")+`" {
			segment_size 8KiB
		}`)
	g := startGate(t, site)
	clerk, social, bank := site.Callers[0], site.Callers[1], site.Callers[2]
	for _, p := range people.Residents()[:8] {
		body := fmt.Sprintf(`{"citizen_id":%q}`, p.GMSFHM)
		for _, c := range []demo.Caller{clerk, social, bank} { // the bank's budget runs out
			ask(t, g, c, http.MethodPost, "/v1/residents/lookup", body, nil)
		}
		ask(t, g, bank, http.MethodPost, "/v1/households/lookup", fmt.Sprintf(`{"household_no":%q}`, p.HH), nil)
	}
	ask(t, g, clerk, http.MethodGet, "/v1/nothing", "", nil)
	ask(t, g, demo.Caller{}, http.MethodGet, "/v1/nothing", "", nil)
	if code := g.stop(t); code != 0 {
		t.Fatalf("the gate ended with exit code %d", code)
	}
	kinds := map[ledger.Kind]int{}
	if err := ledger.Scan(site.Path("ledger"), func(_ ledger.Position, r ledger.Record) error {
		kinds[r.Kind]++
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if kinds[ledger.KindAccess] < 20 || kinds[ledger.KindRefusal] < 9 || kinds[ledger.KindStrangers] != 1 || kinds[ledger.KindOpen] != 1 {
		t.Fatalf("the ledger holds %v", kinds)
	}
	return site.Path("ledger")
}

// verifierNamesTheRecord runs the program an auditor runs.
func verifierNamesTheRecord(t *testing.T, dir, segment string, whole ledger.Report) {
	t.Helper()
	program := filepath.Join(t.TempDir(), "hukouverify")
	if out, err := exec.Command("go", "build", "-o", program, "hukougate/cmd/hukouverify").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if out, err := exec.Command(program, dir).CombinedOutput(); err != nil || !strings.Contains(string(out), whole.Last.Hash) {
		t.Fatalf("whole ledger: %v\n%s", err, out)
	}
	original, err := os.ReadFile(segment)
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.SplitAfter(original, []byte("\n"))
	start := 0
	for n, line := range lines[:len(lines)-1] {
		at := start + len(line)/2
		start += len(line)
		changed := slices.Clone(original)
		changed[at] ^= 1
		if err := os.WriteFile(segment, changed, 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command(program, dir).CombinedOutput()
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != 1 || !strings.Contains(string(out), fmt.Sprintf("record %d tampered", n+1)) || !strings.Contains(string(out), fmt.Sprintf("第 %d 条记录", n+1)) {
			t.Errorf("record %d changed: %v\n%s", n+1, err, out)
		}
	}
	if err := os.WriteFile(segment, original, 0o600); err != nil {
		t.Fatal(err)
	}
}
