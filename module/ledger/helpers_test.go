package ledger

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hukougate/module/access"
)

var epoch = time.Date(2026, 1, 2, 3, 4, 5, 678901000, time.UTC)

// clock ticks a millisecond a look, so that what it stamps can be compared.
func clock() func() time.Time {
	now := epoch
	return func() time.Time {
		now = now.Add(time.Millisecond)
		return now
	}
}

func testOptions() Options {
	return Options{Gateway: "gate-1", now: clock(), free: func(string) (uint64, error) { return 1 << 40, nil }}
}

func fullAccess() Record {
	return Record{
		Kind: KindAccess, Time: epoch, Receipt: "r-0001", Caller: "bank-a", Unit: "某银行", CallerKind: access.External,
		Proofs: []string{"client_certificate", "api_key"}, Peer: "10.1.2.3:40000", Application: "2026-0042", GrantRevision: 3,
		Role: "partner", Purpose: "kyc", LegalBasis: `《反洗钱法》第二十九条 "尽职调查" \ KYC`, Resource: "resident", Route: "resident_by_id",
		Scope: "kyc_min", Rules: "2026.01.1", Status: 200, RequestPersons: []string{"p1_aaaa"}, Persons: []string{"p1_aaaa", "p1_bbbb"},
		Records: 2, Fields: []access.FieldCount{{Field: "gmsfhm", Transformed: 2}, {Field: "xm", Clear: 1, Removed: 1}}, Unnamed: 4,
		BodyBytes: 1510, BodyDigest: strings.Repeat("0123456789abcdef", 4), RequestDigest: strings.Repeat("c0ffee00", 8), ElapsedMicros: 1234,
	}
}

func smallRefusal() Record {
	return Record{Kind: KindRefusal, Time: epoch, Receipt: "r-0002", Reason: access.RouteUnknown, Status: 404}
}

func strangers() Record {
	return Record{Kind: KindStrangers, Time: epoch, Receipt: "r-0000", Strangers: &Strangers{
		Start: epoch, End: epoch.Add(time.Second), Count: 5,
		Reasons: []ReasonCount{{access.CredentialInvalid, 3}, {access.CredentialMissing, 2}},
		Sources: []SourceCount{{"10.9.9.9", 3}, {"fd00::/64", 1}}, SourcesLeftOff: 1,
	}}
}

func rulesLoaded() Record {
	return Record{Kind: KindRules, Time: epoch, RulesEvent: &RulesEvent{
		Bundle: "shipped", Version: "2026.01.1", Digest: strings.Repeat("ab", 32), Outcome: OutcomeLoaded,
	}}
}

func rulesRefused() Record {
	return Record{Kind: KindRules, Time: epoch, RulesEvent: &RulesEvent{Bundle: "shipped", Outcome: OutcomeRefused, Errors: 2}}
}

// sample gives record i of a mixed ledger; the long ones are rare, as the tests
// that go through every byte pay for each.
func sample(i int) Record {
	if i%30 == 4 {
		return fullAccess()
	}
	return [...]func() Record{smallRefusal, rulesRefused, smallRefusal, rulesLoaded, smallRefusal, strangers}[i%6]()
}

func mustOpen(t testing.TB, dir string, o Options) *Ledger {
	t.Helper()
	l, err := Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func mustAppend(t testing.TB, l *Ledger, r Record) Position {
	t.Helper()
	at, err := l.Append(context.Background(), r)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func mustClose(t testing.TB, l *Ledger) {
	t.Helper()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

// build makes a ledger of n samples, opened once, in segments of about size.
func build(t testing.TB, n int, size int64) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "ledger")
	o := testOptions()
	o.SegmentBytes = size
	l := mustOpen(t, dir, o)
	for i := range n {
		mustAppend(t, l, sample(i))
	}
	mustClose(t, l)
	return dir
}

// load reads every file of a ledger.
func load(t testing.TB, dir string) map[string][]byte {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for _, e := range entries {
		raw, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		files[e.Name()] = raw
	}
	return files
}

// save writes files to a new directory.
func save(t testing.TB, files map[string][]byte) string {
	t.Helper()
	dir := t.TempDir()
	for name, raw := range files {
		if err := os.WriteFile(filepath.Join(dir, name), raw, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func wantIntact(t testing.TB, dir string) Report {
	t.Helper()
	report, err := Verify(dir, VerifyOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// wantFault fails unless Verify finds a fault of the kind at record seq.
func wantFault(t testing.TB, dir string, kind FaultKind, seq uint64) *Fault {
	t.Helper()
	_, err := Verify(dir, VerifyOptions{})
	var fault *Fault
	if !errors.As(err, &fault) || fault.Kind != kind || fault.Seq != seq {
		t.Fatalf("got %v, want %s at record %d", err, kind, seq)
	}
	return fault
}

func lines(raw []byte) []string {
	all := strings.SplitAfter(string(raw), "\n")
	return all[:len(all)-1]
}

// segmentsOf gives the names of the segments in order.
func segmentsOf(t testing.TB, dir string) []segment {
	t.Helper()
	files, err := listDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	return files.segments
}
