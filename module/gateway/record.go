package gateway

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"time"

	"github.com/sirupsen/logrus"
	"go.uber.org/zap"

	"hukougate/module/access"
	"hukougate/module/keys"
	"hukougate/module/ledger"
	"hukougate/module/strictyaml"
)

const (
	recordTimeout = 5 * time.Second

	// personDomain keeps persons' pseudonyms the same in requests, answers,
	// budgets and the ledger.
	personDomain = "person"
)

// newReceipt makes an id that can't be guessed: 128 random bits.
func newReceipt() string {
	return rand.Text()
}

// personKeys are the keys of one request, each taken once.
type personKeys struct {
	person keys.Key // names persons in ledger and budgets
	field  keys.Key // replaces values; different per caller and purpose
}

// personKey is there before anything is decided, so that a refusal, too, says
// whom it was about.
func (a *App) personKey(ctx context.Context) (keys.Key, access.Reason) {
	key, err := a.ring.Current(ctx, keys.PersonPseudonym)
	if err != nil {
		return keys.Key{}, access.KeysUnavailable
	}
	return key, ""
}

func (a *App) fieldKey(ctx context.Context, d access.Decision, c access.Caller) (keys.Key, access.Reason) {
	root, err := a.ring.Current(ctx, keys.FieldPseudonym)
	if err != nil {
		return keys.Key{}, access.KeysUnavailable
	}
	key, err := root.Derive(c.ID, d.Purpose)
	if err != nil {
		return keys.Key{}, access.KeysUnavailable
	}
	return key, ""
}

// recordContext bounds all records of one request together: a ledger that hangs
// costs its caller recordTimeout, not that for each. A client that is gone does
// not end it.
func (p *passage) recordContext() (context.Context, context.CancelFunc) {
	if p.recordBy.IsZero() {
		p.recordBy = time.Now().Add(recordTimeout)
	}
	return context.WithDeadline(context.WithoutCancel(p.r.Context()), p.recordBy)
}

// record appends to the ledger and returns when the record is durable.
func (a *App) record(ctx context.Context, r ledger.Record) (ledger.Position, error) {
	l := a.ledger.Load()
	if l == nil {
		return ledger.Position{}, errors.New("gateway: the ledger is not open")
	}
	return l.Append(ctx, r)
}

// baseRecord holds what is known of the request so far.
func (p *passage) baseRecord(kind ledger.Kind, status int) ledger.Record {
	c, d := p.exchange.CallerFact(), p.decision
	r := ledger.Record{
		Kind: kind, Time: time.Now(), Receipt: p.receipt, Status: status,
		Caller: c.ID, Unit: c.Unit, CallerKind: c.Kind, Peer: peer(p.r),
		Application: d.Application, GrantRevision: d.GrantRevision, Role: d.Role, Purpose: d.Purpose, LegalBasis: d.LegalBasis,
		Resource: d.Resource, Route: d.Route, Scope: d.Scope, Rules: p.engine.snapshot.ID(),
		ElapsedMicros: int(time.Since(p.start).Microseconds()),
	}
	for _, proof := range c.Proofs {
		r.Proofs = append(r.Proofs, string(proof))
	}
	if p.call.route != nil {
		r.Route, r.Resource = p.call.route.ID, p.call.route.Resource.ID
		p.addRequest(&r)
	}
	return r
}

// addRequest binds the record to what was asked, without showing it: persons as
// pseudonyms and a keyed digest, which only a holder of the key can try guesses on.
func (p *passage) addRequest(r *ledger.Record) {
	r.RequestPersons = p.persons
	if digest, err := p.keys.person.MAC(append([]string{"hukougate request v1"}, p.call.text()...)...); err == nil {
		r.RequestDigest = hex.EncodeToString(digest)
	}
}

func (p *passage) accessRecord() ledger.Record {
	r := p.baseRecord(ledger.KindAccess, 200)
	m := p.exchange.MaskingFact()
	r.Persons, r.Records, r.Fields, r.Unnamed, r.BodyBytes = m.Persons, m.Records, m.Fields, m.Unnamed, len(m.Body)
	// Keyed, because a plain hash of a short body can be reversed by trying
	// every ID number (attacks I6).
	if digest, err := p.keys.person.Digest("hukougate body v1", m.Body); err == nil {
		r.BodyDigest = hex.EncodeToString(digest)
	}
	return r
}

// refuse records the refusal, then tells the caller. Before anyone is
// identified, and once a caller has spent its allowance of them, refusals are
// counted per second instead of recorded one by one.
func (p *passage) refuse(why access.Reason) {
	status := access.Explain(why).Status
	source, caller := peer(p.r), p.exchange.CallerFact().ID
	if caller != "" && p.exchange.Step() < access.Charged && p.app.strangers.spent(caller) {
		// No budget was spent on it, so nothing else bounds its records.
		source, caller, why = callerSource(caller), "", access.TooManyFailures
	}
	if caller == "" {
		verdict := p.app.strangers.refuse(source, why)
		p.receipt, p.retry = verdict.receipt, verdict.retry
		p.writeProblem(verdict.reason, p.receipt)
		return
	}
	if err := p.exchange.Refuse(why); err != nil && !errors.Is(err, access.ErrOutOfOrder) {
		why = access.InternalError
	}
	r := p.baseRecord(ledger.KindRefusal, status)
	r.Reason = why
	ctx, cancel := p.recordContext()
	defer cancel()
	_, err := p.app.record(ctx, r)
	if errors.Is(err, ledger.ErrInvalid) {
		// Something known of the request can't be recorded as it is: what is
		// certain is recorded without it.
		why = access.InternalError
		_, err = p.app.record(ctx, ledger.Record{Kind: ledger.KindRefusal, Receipt: p.receipt, Caller: caller, Reason: why, Status: access.Explain(why).Status})
	}
	if err != nil {
		p.app.log.Error("refusal not recorded", zap.String("receipt", p.receipt), zap.String("reason", string(why)), zap.Error(err))
		why = access.LedgerUnavailable
	}
	p.writeProblem(why, p.receipt)
	p.logAccess("refused", access.Explain(why).Status, why)
}

// logAccess writes the human-readable line beside the record. It holds ids
// of the rules and the callers file only, never a value of the request.
func (p *passage) logAccess(outcome string, status int, why access.Reason) {
	fields := logrus.Fields{
		"receipt": p.receipt, "caller": p.exchange.CallerFact().ID, "application": p.decision.Application, "purpose": p.decision.Purpose,
		"route": p.routeID(), "status": status, "ms": time.Since(p.start).Milliseconds(),
	}
	if why != "" {
		fields["reason"] = why
	}
	p.app.access.WithFields(fields).Info(outcome)
}

func (p *passage) routeID() string {
	if p.call.route == nil {
		return ""
	}
	return p.call.route.ID
}

// openAccessLog writes through Caddy's own file writer, which rolls files over.
func (a *App) openAccessLog() error {
	a.access = logrus.New()
	a.access.SetFormatter(&logrus.TextFormatter{FullTimestamp: true, DisableColors: true})
	if a.AccessLog == "" {
		return nil
	}
	w, err := a.accessWriter.OpenWriter()
	if err != nil {
		return err
	}
	a.logFile = w
	a.access.SetOutput(w)
	return nil
}

// logProblems writes every problem of a file as its own line.
func (a *App) logProblems(what string, err error) {
	var ps strictyaml.Problems
	if !errors.As(err, &ps) {
		a.log.Error(what, zap.Error(err))
		return
	}
	for _, p := range ps {
		a.log.Error(what, zap.String("problem", p.String()))
	}
}

func countProblems(err error) int {
	var ps strictyaml.Problems
	if errors.As(err, &ps) {
		return len(ps)
	}
	return 1
}
