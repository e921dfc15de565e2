package access

import (
	"errors"
	"fmt"
)

// Step is a place on the path of one request.
type Step int

// The path, in order. A request starts at Received; Recorded or Refused end it.
const (
	Received Step = iota
	Identified
	Authorized
	Charged
	Answered
	Masked
	Admitted
	Recorded
)

var stepNames = [...]string{"received", "identified", "authorized", "charged", "answered", "masked", "admitted", "recorded"}

func (s Step) String() string {
	if s < 0 || int(s) >= len(stepNames) {
		return fmt.Sprintf("step(%d)", int(s))
	}
	return stepNames[s]
}

// ErrOutOfOrder is returned when a fact is added early, twice, or after a refusal.
var ErrOutOfOrder = errors.New("access: fact added out of order")

// ErrEmptyFact is returned when a fact's zero value is added: zero values deny.
var ErrEmptyFact = errors.New("access: empty fact")

// Exchange gathers the facts of one request in the only order there is. It is
// used by one goroutine.
type Exchange struct {
	step    Step
	refused Reason

	caller   Caller
	decision Decision
	charge   Charge
	answer   Answer
	masking  Masking
	receipt  Receipt
}

func (x *Exchange) advance(to Step, whole bool) error {
	switch {
	case x.refused != "":
		return fmt.Errorf("%w: %s after refusal", ErrOutOfOrder, to)
	case x.step != to-1:
		return fmt.Errorf("%w: %s while %s", ErrOutOfOrder, to, x.step)
	case !whole:
		return fmt.Errorf("%w: %s", ErrEmptyFact, to)
	}
	x.step = to
	return nil
}

// Identify adds who calls.
func (x *Exchange) Identify(c Caller) error {
	if err := x.advance(Identified, c.ID != "" && len(c.Proofs) > 0 && (c.Kind == Internal || c.Kind == External)); err != nil {
		return err
	}
	x.caller = c
	return nil
}

// Authorize adds a permitting decision; a denying one belongs in Refuse.
func (x *Exchange) Authorize(d Decision) error {
	whole := d.Allowed && d.Reason == "" && d.Application != "" && d.Purpose != "" && d.Route != "" && d.RulesVersion != ""
	if err := x.advance(Authorized, whole); err != nil {
		return err
	}
	x.decision = d
	return nil
}

// Charge adds what was spent.
func (x *Exchange) Charge(c Charge) error {
	if err := x.advance(Charged, c.Spent); err != nil {
		return err
	}
	x.charge = c
	return nil
}

// Answer adds what the source said.
func (x *Exchange) Answer(a Answer) error {
	if err := x.advance(Answered, a.Status != 0 && a.MediaType != ""); err != nil {
		return err
	}
	x.answer = a
	return nil
}

// Mask adds the releasable body and drops the source's own, so that no later
// step can reach it.
func (x *Exchange) Mask(m Masking) error {
	if err := x.advance(Masked, m.Done); err != nil {
		return err
	}
	x.masking = m
	x.answer.Body = nil
	return nil
}

// Admit says that the persons in the answer were within budget.
func (x *Exchange) Admit() error { return x.advance(Admitted, true) }

// Record adds the durable record; only then may Release be called.
func (x *Exchange) Record(r Receipt) error {
	if err := x.advance(Recorded, r.ID != "" && r.Seq > 0 && r.Hash != ""); err != nil {
		return err
	}
	x.receipt = r
	return nil
}

// Refuse ends the path. A second refusal, or one after the record, is an error.
func (x *Exchange) Refuse(why Reason) error {
	if why == "" {
		return ErrEmptyFact
	}
	if x.refused != "" || x.step == Recorded {
		return fmt.Errorf("%w: refused twice or after the record", ErrOutOfOrder)
	}
	x.refused = why
	x.answer.Body, x.masking = nil, Masking{}
	return nil
}

// Release gives the body that may leave, and only after its record is durable.
func (x *Exchange) Release() ([]byte, error) {
	if x.step != Recorded || x.refused != "" {
		return nil, fmt.Errorf("%w: release while %s", ErrOutOfOrder, x.step)
	}
	return x.masking.Body, nil
}

// Step tells how far the request came.
func (x *Exchange) Step() Step { return x.step }

// Refused gives the reason of the refusal, or "".
func (x *Exchange) Refused() Reason { return x.refused }

// CallerFact returns the proven caller; its zero value when there is none.
func (x *Exchange) CallerFact() Caller { return x.caller }

// DecisionFact returns the permitting decision; its zero value denies.
func (x *Exchange) DecisionFact() Decision { return x.decision }

// AnswerFact returns what the source said, for the masker only; its body is
// gone once the masking is there.
func (x *Exchange) AnswerFact() Answer { return x.answer }

// MaskingFact returns the masker's account; its zero value holds nothing.
func (x *Exchange) MaskingFact() Masking { return x.masking }
