package gateway

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"hukougate/module/access"
	"hukougate/module/identity"
	"hukougate/module/mask"
	"hukougate/module/policy"
	"hukougate/module/quota"
)

func init() { caddy.RegisterModule(new(Gate)) }

// Gate is the handler. It answers every request it gets: nothing placed after
// it in a site can be reached through it.
type Gate struct {
	app *App
}

// CaddyModule returns the Caddy module information.
func (*Gate) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.hukou_gate", New: func() caddy.Module { return new(Gate) }}
}

// Provision finds the App. Without a `hukou` block there is none that could start.
func (g *Gate) Provision(ctx caddy.Context) error {
	app, err := ctx.App("hukou")
	if err != nil {
		return fmt.Errorf("hukou_gate needs the hukou block among the global options: %w", err)
	}
	g.app = app.(*App)
	return nil
}

// ServeHTTP walks one request down the path. The order holds by construction:
// access.Exchange refuses a fact that comes early, twice or after a refusal, and
// gives the body out only after its record.
func (g *Gate) ServeHTTP(w http.ResponseWriter, r *http.Request, _ caddyhttp.Handler) error {
	g.app.awaitStart(r.Context())
	defer g.app.traffic.enter().leave()
	// Caddy's access log would write URIs and credentials; the gate keeps its own.
	caddyhttp.SetVar(r.Context(), caddyhttp.LogSkipVar, true)
	p := &passage{app: g.app, w: w, r: r, start: time.Now(), receipt: newReceipt()}
	p.body = readBody(w, r)
	why := p.walk()
	if why == "" {
		p.release()
		return nil
	}
	p.refuse(why)
	return nil
}

// passage is one request on its way through the gate.
type passage struct {
	app     *App
	engine  *engine
	w       http.ResponseWriter
	r       *http.Request
	start   time.Time
	receipt string

	exchange access.Exchange
	decision access.Decision // also of a refusal, for its record
	keys     personKeys
	body     clientBody
	call     call
	persons  []string // pseudonyms of the persons the call names
	allow    []string // methods of the path, for 405
	retry    time.Duration
	recordBy time.Time // deadline of the request's records, set by the first
}

// walk adds one fact after the other and stops at the first reason to refuse.
// A panic is such a reason too; what it says may hold personal values and is
// not logged.
func (p *passage) walk() (why access.Reason) {
	defer func() {
		if v := recover(); v != nil {
			p.app.log.Error("panic in the gate; request refused", zap.String("receipt", p.receipt), zap.String("type", fmt.Sprintf("%T", v)), zap.StackSkip("stack", 1))
			why = access.InternalError
		}
	}()
	for _, step := range []func() access.Reason{p.identify, p.authorize, p.limit, p.forward, p.mask, p.admit, p.record} {
		if why := step(); why != "" {
			return why
		}
	}
	return ""
}

// identify proves who calls. It comes first: a stranger learns nothing about
// routes or parameters.
func (p *passage) identify() access.Reason {
	if p.engine = p.app.engine.Load(); p.engine == nil {
		return access.RulesUnavailable
	}
	if p.app.ledger.Load() == nil {
		return access.LedgerUnavailable
	}
	caller, why := identity.Identify(p.r, p.app.callers.Load(), p.app.identity)
	if why != "" {
		return why
	}
	return outOfOrder(p.exchange.Identify(caller))
}

// authorize reads the request against its route and asks policy.
func (p *passage) authorize() access.Reason {
	var why access.Reason
	if p.call, p.allow, why = parseCall(p.engine.snapshot, p.r, p.body); why != "" {
		return why
	}
	if p.keys.person, why = p.app.personKey(p.r.Context()); why != "" {
		return why
	}
	var err error
	if p.persons, err = p.call.persons(p.keys.person); err != nil {
		return access.KeysUnavailable
	}
	application, why := applicationHeader(p.r)
	if why != "" {
		return why
	}
	p.decision = p.engine.decider.Decide(policy.Query{
		Caller: p.exchange.CallerFact(), Application: application, Route: p.call.route, Now: time.Now(),
	})
	if !p.decision.Allowed {
		return p.decision.Reason
	}
	if p.keys.field, why = p.app.fieldKey(p.r.Context(), p.decision, p.exchange.CallerFact()); why != "" {
		return why
	}
	return outOfOrder(p.exchange.Authorize(p.decision))
}

// limit spends the request and the persons it names, before the source is asked.
func (p *passage) limit() access.Reason {
	if why := p.spend(p.app.limiter.Charge, p.persons); why != "" {
		return why
	}
	return outOfOrder(p.exchange.Charge(access.Charge{Persons: len(p.persons), Spent: true}))
}

// forward asks the source with a request made anew from the route.
func (p *passage) forward() access.Reason {
	answer, why := p.app.ask(p.r, p.call)
	if why != "" {
		return why
	}
	return outOfOrder(p.exchange.Answer(answer))
}

// mask rewrites the answer; what the decision doesn't name goes.
func (p *passage) mask() access.Reason {
	plan, err := p.engine.plan(p.decision)
	if err != nil {
		p.app.log.Error("masking plan", zap.String("receipt", p.receipt), zap.Error(err))
		return access.InternalError
	}
	masking, err := plan.Rewrite(p.exchange.AnswerFact().Body, mask.Keys{Person: p.keys.person, Field: p.keys.field})
	if err != nil {
		var refusal *mask.Refusal
		if errors.As(err, &refusal) {
			return refusal.Reason
		}
		return access.InternalError
	}
	return outOfOrder(p.exchange.Mask(masking))
}

// admit spends the persons newly seen in the answer, before it is released.
func (p *passage) admit() access.Reason {
	if persons := p.exchange.MaskingFact().Persons; len(persons) > 0 {
		if why := p.spend(p.app.limiter.Admit, persons); why != "" {
			return why
		}
	}
	return outOfOrder(p.exchange.Admit())
}

type spender func(context.Context, string, quota.Limits, []string) (quota.Verdict, error)

func (p *passage) spend(spend spender, persons []string) access.Reason {
	verdict, err := spend(p.r.Context(), p.exchange.CallerFact().ID, p.engine.limits(p.decision), persons)
	switch {
	case p.r.Context().Err() != nil:
		return access.ClientGone
	case err != nil:
		return access.QuotaUnavailable
	case verdict.OK:
		return ""
	case verdict.Reason == "":
		return access.QuotaUnavailable // a zero verdict denies
	}
	p.retry = verdict.RetryAfter
	return verdict.Reason
}

// record makes the access durable. Only after it may a byte leave.
func (p *passage) record() access.Reason {
	ctx, cancel := p.recordContext()
	defer cancel()
	position, err := p.app.record(ctx, p.accessRecord())
	if err != nil {
		p.app.log.Error("access not recorded; nothing released", zap.String("receipt", p.receipt), zap.Error(err))
		return access.LedgerUnavailable
	}
	return outOfOrder(p.exchange.Record(access.Receipt{ID: p.receipt, Seq: position.Seq, Hash: position.Hash}))
}

// outOfOrder turns a broken invariant into a refusal.
func outOfOrder(err error) access.Reason {
	if err != nil {
		return access.InternalError
	}
	return ""
}

var (
	_ caddy.Provisioner           = (*Gate)(nil)
	_ caddyhttp.MiddlewareHandler = (*Gate)(nil)
)
