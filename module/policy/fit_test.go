package policy

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"hukougate/module/access"
	"hukougate/module/ledger"
	"hukougate/module/rules"
)

// TestCheckAndDecideAgree makes grants of every role, purpose, scope and choice
// of resources and fields: one that passes the check is allowed some query of
// each of its resources, and one that is allowed so passes the check unless it
// names a field in vain.
func TestCheckAndDecideAgree(t *testing.T) {
	s := snapshot(t)
	s.Policies = append(s.Policies, []string{"lending_clerk", "weeding", "book", "book-get", "weeders", "allow"},
		[]string{"lending_clerk", "reading", "book", "book-list", "wide", "allow"}, []string{"lending_clerk", "reading", "book", "book-list", "wide", "deny"})
	fits, tried := 0, 0
	for _, role := range []string{"lending_clerk", "shelf_clerk", "guest_reader", "no_one"} {
		for _, purpose := range []string{"reading", "weeding", "nothing"} {
			for _, scope := range []string{"narrow", "wide", "named", "weeders", "none"} {
				for _, resources := range [][]string{{"book"}, {"film"}, {"book", "film"}, {"book", "map"}} {
					for _, fields := range [][]string{nil, {"title"}, {"length"}, {"title", "length"}, {"reader"}, {"title", "reader"}, {"nothing"}} {
						g := grant(func(g *access.Grant) {
							g.Role, g.Purpose, g.Scope, g.Resources, g.Fields = role, purpose, scope, resources, fields
						})
						err := CheckAgainst("g.yaml", g, s)
						usable := everyResourceUsable(t, s, g)
						inVain := err != nil && !slices.ContainsFunc(strings.Split(err.Error(), "\n"), func(line string) bool { return !strings.Contains(line, "is not shown by") })
						if (err == nil) != usable && !(usable && inVain) {
							t.Errorf("%s %s %s %v %v: usable %v, check says %v", role, purpose, scope, resources, fields, usable, err)
						}
						tried++
						if err == nil {
							fits++
						}
					}
				}
			}
		}
	}
	if fits < 10 || fits > tried/2 {
		t.Errorf("%d of %d grants fit; the comparison proves little", fits, tried)
	}
}

func everyResourceUsable(t *testing.T, s *rules.Snapshot, g access.Grant) bool {
	t.Helper()
	d := newDecider(t, s, g)
	caller := desk(g.Caller)
	if role := s.Role(g.Role); role != nil {
		caller.Kind = role.Kind
	}
	for _, id := range g.Resources {
		r := s.Resource(id)
		if r == nil || !slices.ContainsFunc(r.Routes, func(route *rules.Route) bool {
			return d.Decide(Query{Caller: caller, Application: g.Application, Route: route, Now: june}).Allowed
		}) {
			return false
		}
	}
	return true
}

// TestWhatCannotBeRecordedIsRefused: a decision quotes the grant, and one that
// can't be written to the ledger must not be made.
func TestWhatCannotBeRecordedIsRefused(t *testing.T) {
	whole := string(FormatGrant(grant()))
	for name, tt := range map[string]struct{ old, replacement, want string }{
		"two lines":         {`legal_basis: "馆规第一条"`, "legal_basis: |\n  馆规\n  第一条", "g.yaml:9:14: legal_basis is empty, longer than 250 characters, or holds a line break"},
		"unit of two lines": {`unit: "示例馆"`, "unit: |\n  示例\n  馆", "g.yaml:6:7: unit is empty"},
		"no unit":           {`unit: "示例馆"`, `unit: ""`, "g.yaml:6:7: unit is empty"},
		"blank unit":        {`unit: "示例馆"`, `unit: " "`, "g.yaml:6:7: unit is empty"},
		"escape":            {`"馆规第一条"`, `"\e[2J"`, "g.yaml:9:14: legal_basis is empty"},
		"right to left":     {`"馆规第一条"`, `"a\u202eb"`, "g.yaml:9:14: legal_basis is empty"},
		"line separator":    {`"馆规第一条"`, `"a\u2028b"`, "g.yaml:9:14: legal_basis is empty"},
		"long":              {`"馆规第一条"`, `"` + strings.Repeat("馆", maxText+1) + `"`, "g.yaml:9:14: legal_basis is empty"},
		"role":              {"role: lending_clerk", "role: r" + strings.Repeat("_", 63), "g.yaml:7:7: (not shown) is not [a-z][a-z0-9_-]*"},
		"purpose":           {"purpose: reading", "purpose: Reading", `g.yaml:8:10: "Reading" is not [a-z]`},
		"scope":             {"scope: narrow", `scope: "a\nb"`, "g.yaml:10:8: (not shown) is not [a-z]"},
		"resource":          {"[book, film]", "[book, film and more]", "g.yaml:11:19: (not shown) is not [a-z]"},
		"field":             {"[book, film]", "[book, film]\nfields: [title, Ünit]", "g.yaml:12:17: (not shown) is not [a-z]"},
	} {
		if strings.Count(whole, tt.old) != 1 {
			t.Fatalf("%s: %q does not stand once in\n%s", name, tt.old, whole)
		}
		if _, err := ParseGrant("g.yaml", []byte(strings.Replace(whole, tt.old, tt.replacement, 1))); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
}

// TestLedgerTakesWhatGrantsHold writes every character a grant may hold, and the
// longest texts of them, into a ledger; what it refuses, grants refuse.
func TestLedgerTakesWhatGrantsHold(t *testing.T) {
	l, err := ledger.Open(t.TempDir()+"/ledger", ledger.Options{Gateway: "test"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}()
	record := func(proofs []string) error {
		_, err := l.Append(context.Background(), ledger.Record{
			Kind: ledger.KindRefusal, Time: time.Now(), Receipt: "r", Status: 403, Reason: access.GrantInvalid,
			LegalBasis: proofs[0], Proofs: proofs, // a list holds many texts at once
		})
		return err
	}
	var texts []string
	var text strings.Builder
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if !utf8.ValidRune(r) {
			continue
		}
		if unrecordable(r) {
			if err := record([]string{"x" + string(r)}); err == nil {
				t.Errorf("the ledger takes %U, which grants may not hold", r)
			}
			continue
		}
		text.WriteRune(r)
		if utf8.RuneCountInString(text.String()) == maxText || r == unicode.MaxRune {
			if !recordable(text.String()) {
				t.Errorf("%q is refused", text.String())
			}
			texts = append(texts, text.String())
			text.Reset()
		}
	}
	for batch := range slices.Chunk(texts, 300) {
		if err := record(batch); err != nil {
			t.Errorf("from %s: %v", fmt.Sprintf("%.4q", batch[0]), err)
		}
	}
}
