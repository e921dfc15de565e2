package access

import (
	"errors"
	"fmt"
	"testing"
)

// step is one fact, whole and empty.
type step struct {
	to    Step
	whole func(*Exchange) error
	empty []func(*Exchange) error // each lacks one thing
}

var caller = Caller{ID: "desk", Kind: Internal, Proofs: []Proof{ProofAPIKey}}

var decision = Decision{Allowed: true, Application: "APP-1", Purpose: "p", Route: "r", RulesVersion: "v"}

var steps = []step{
	{Identified, func(x *Exchange) error { return x.Identify(caller) }, []func(*Exchange) error{
		func(x *Exchange) error { return x.Identify(Caller{}) },
		func(x *Exchange) error { return x.Identify(Caller{Kind: Internal, Proofs: caller.Proofs}) },
		func(x *Exchange) error { return x.Identify(Caller{ID: "desk", Proofs: caller.Proofs}) },
		func(x *Exchange) error { return x.Identify(Caller{ID: "desk", Kind: "else", Proofs: caller.Proofs}) },
		func(x *Exchange) error { return x.Identify(Caller{ID: "desk", Kind: External}) },
	}},
	{Authorized, func(x *Exchange) error { return x.Authorize(decision) }, without(
		func(d *Decision) { *d = Decision{} },
		func(d *Decision) { d.Allowed = false },
		func(d *Decision) { d.Reason = NotPermitted },
		func(d *Decision) { d.Application = "" },
		func(d *Decision) { d.Purpose = "" },
		func(d *Decision) { d.Route = "" },
		func(d *Decision) { d.RulesVersion = "" },
	)},
	{Charged, func(x *Exchange) error { return x.Charge(Charge{Spent: true}) }, []func(*Exchange) error{
		func(x *Exchange) error { return x.Charge(Charge{}) },
		func(x *Exchange) error { return x.Charge(Charge{Persons: 1}) },
	}},
	{Answered, func(x *Exchange) error {
		return x.Answer(Answer{Status: 200, MediaType: "application/json", Body: []byte("secret")})
	}, []func(*Exchange) error{
		func(x *Exchange) error { return x.Answer(Answer{}) },
		func(x *Exchange) error { return x.Answer(Answer{Status: 200}) },
		func(x *Exchange) error { return x.Answer(Answer{MediaType: "application/json"}) },
	}},
	{Masked, func(x *Exchange) error { return x.Mask(Masking{Body: []byte("masked"), Done: true}) }, []func(*Exchange) error{
		func(x *Exchange) error { return x.Mask(Masking{}) },
		func(x *Exchange) error { return x.Mask(Masking{Body: []byte("masked")}) },
	}},
	{Admitted, (*Exchange).Admit, nil},
	{Recorded, func(x *Exchange) error { return x.Record(Receipt{ID: "r", Seq: 1, Hash: "h"}) }, []func(*Exchange) error{
		func(x *Exchange) error { return x.Record(Receipt{}) },
		func(x *Exchange) error { return x.Record(Receipt{Seq: 1, Hash: "h"}) },
		func(x *Exchange) error { return x.Record(Receipt{ID: "r", Hash: "h"}) },
		func(x *Exchange) error { return x.Record(Receipt{ID: "r", Seq: 1}) },
	}},
}

func without(changes ...func(*Decision)) (out []func(*Exchange) error) {
	for _, change := range changes {
		d := decision
		change(&d)
		out = append(out, func(x *Exchange) error { return x.Authorize(d) })
	}
	return out
}

// walked is an exchange that came as far as a step.
func walked(t *testing.T, to Step) *Exchange {
	t.Helper()
	x := new(Exchange)
	for _, s := range steps[:to] {
		if err := s.whole(x); err != nil {
			t.Fatal(err)
		}
	}
	if x.Step() != to {
		t.Fatalf("walked to %s, want %s", x.Step(), to)
	}
	return x
}

// TestOnlyOrder adds every fact at every step: only the next one is taken, and
// one that is not taken changes nothing.
func TestOnlyOrder(t *testing.T) {
	for at := Received; at <= Recorded; at++ {
		for _, s := range steps {
			x := walked(t, at)
			err := s.whole(x)
			if s.to == at+1 {
				if err != nil || x.Step() != s.to {
					t.Errorf("%s while %s: %v, step %s", s.to, at, err, x.Step())
				}
				continue
			}
			if !errors.Is(err, ErrOutOfOrder) || x.Step() != at {
				t.Errorf("%s while %s: %v, step %s, want ErrOutOfOrder", s.to, at, err, x.Step())
			}
		}
	}
}

func TestEmptyFactsAreRefused(t *testing.T) {
	for _, s := range steps {
		for i, empty := range s.empty {
			x := walked(t, s.to-1)
			if err := empty(x); !errors.Is(err, ErrEmptyFact) || x.Step() != s.to-1 {
				t.Errorf("%s, case %d: %v, step %s, want ErrEmptyFact", s.to, i, err, x.Step())
			}
		}
	}
	if err := new(Exchange).Refuse(""); !errors.Is(err, ErrEmptyFact) {
		t.Errorf("refusal without a reason: %v", err)
	}
}

// TestNothingAfterRefusal refuses at every step before the record: no fact is
// taken any more, and neither body is left.
func TestNothingAfterRefusal(t *testing.T) {
	for at := Received; at < Recorded; at++ {
		x := walked(t, at)
		if err := x.Refuse(NotPermitted); err != nil || x.Refused() != NotPermitted {
			t.Fatalf("refusal while %s: %v, %q", at, err, x.Refused())
		}
		for _, s := range steps {
			if err := s.whole(x); !errors.Is(err, ErrOutOfOrder) {
				t.Errorf("%s after a refusal while %s: %v", s.to, at, err)
			}
		}
		if err := x.Refuse(InternalError); !errors.Is(err, ErrOutOfOrder) || x.Refused() != NotPermitted {
			t.Errorf("second refusal: %v, %q", err, x.Refused())
		}
		if body, err := x.Release(); !errors.Is(err, ErrOutOfOrder) || body != nil {
			t.Errorf("release after a refusal while %s: %q, %v", at, body, err)
		}
		if x.AnswerFact().Body != nil || x.MaskingFact().Body != nil || x.MaskingFact().Done {
			t.Errorf("a body is left after a refusal while %s", at)
		}
	}
	x := walked(t, Recorded)
	if err := x.Refuse(InternalError); !errors.Is(err, ErrOutOfOrder) || x.Refused() != "" {
		t.Errorf("refusal after the record: %v, %q", err, x.Refused())
	}
}

func TestReleaseOnlyAfterRecord(t *testing.T) {
	for at := Received; at < Recorded; at++ {
		if body, err := walked(t, at).Release(); !errors.Is(err, ErrOutOfOrder) || body != nil {
			t.Errorf("release while %s: %q, %v", at, body, err)
		}
	}
	if body, err := walked(t, Recorded).Release(); err != nil || string(body) != "masked" {
		t.Errorf("release after the record: %q, %v", body, err)
	}
}

func TestMaskDropsTheSourcesBody(t *testing.T) {
	if got := string(walked(t, Answered).AnswerFact().Body); got != "secret" {
		t.Fatalf("the masker gets %q", got)
	}
	if x := walked(t, Masked); x.AnswerFact().Body != nil || x.AnswerFact().Status != 200 {
		t.Errorf("after masking the answer is %+v", x.AnswerFact())
	}
}

func TestFactsOfZeroExchange(t *testing.T) {
	var x Exchange
	if x.CallerFact().ID != "" || x.DecisionFact().Allowed || x.MaskingFact().Done || x.Refused() != "" || x.Step() != Received {
		t.Error("a zero exchange holds a fact")
	}
	x = *walked(t, Recorded)
	if x.CallerFact().ID != caller.ID || x.DecisionFact().Application != decision.Application {
		t.Error("the facts added are not the facts held")
	}
}

func TestZeroTransformRemoves(t *testing.T) {
	for transform, visible := range map[Transform]bool{
		{}:                      false,
		{Kind: Remove}:          false,
		{Kind: Clear}:           true,
		{Kind: Keep, First: 1}:  true,
		{Kind: Year}:            true,
		{Kind: Pseudonym}:       true,
		{First: 3, Last: 4}:     false,
		{Kind: Remove, Last: 4}: false,
	} {
		if transform.Visible() != visible {
			t.Errorf("%+v: visible %v", transform, !visible)
		}
	}
}

func TestStepNames(t *testing.T) {
	for s := Received; s <= Recorded; s++ {
		if s.String() == "" || s.String() == fmt.Sprintf("step(%d)", int(s)) {
			t.Errorf("step %d has no name", int(s))
		}
	}
	for _, s := range []Step{-1, Recorded + 1} {
		if s.String() != fmt.Sprintf("step(%d)", int(s)) {
			t.Errorf("step %d is called %s", int(s), s)
		}
	}
}
