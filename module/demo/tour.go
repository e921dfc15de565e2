package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"

	"hukougate/module/access"
	"hukougate/module/ledger"
	"hukougate/module/registry"
	"hukougate/module/rules"
)

// tour runs what the invitation prints and compares every value with what the
// rules say about it. It returns every difference found.
func (s *stage) tour(ctx context.Context) error {
	t := &tour{stage: s, ctx: ctx}
	var err error
	if t.snapshot, err = rules.Load(os.DirFS(s.Path("rules"))); err != nil {
		return err
	}
	for _, leg := range []func() error{t.sideBySide, t.refusals, t.budget, t.provable} {
		if err := leg(); err != nil {
			return err
		}
	}
	if len(t.wrong) > 0 {
		return fmt.Errorf("the tour found %d differences:\n%s", len(t.wrong), strings.Join(t.wrong, "\n"))
	}
	s.printf("%s\n", s.paint(green, "✔ everything came out as the rules say 全部符合规则"))
	return nil
}

type tour struct {
	*stage
	ctx      context.Context
	snapshot *rules.Snapshot
	receipts []string
	wrong    []string
}

func (t *tour) differ(format string, args ...any) {
	t.wrong = append(t.wrong, fmt.Sprintf(format, args...))
}

type reply struct {
	status  int
	header  http.Header
	code    string // of a problem
	records []map[string]string
}

// post asks as a caller; extra headers replace the caller's own.
func (t *tour) post(c Caller, path string, body map[string]string, extra http.Header) (reply, error) {
	raw, err := json.Marshal(body)
	if err != nil {
		return reply{}, err
	}
	r, err := http.NewRequestWithContext(t.ctx, http.MethodPost, t.URL(path), bytes.NewReader(raw))
	if err != nil {
		return reply{}, err
	}
	r.Header = c.Header.Clone()
	if r.Header == nil {
		r.Header = http.Header{}
	}
	for name, values := range extra {
		r.Header[name] = values
	}
	r.Header.Set("Content-Type", "application/json")
	client := t.Client(c)
	defer client.CloseIdleConnections()
	res, err := client.Do(r)
	if err != nil {
		return reply{}, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return reply{}, err
	}
	out := reply{status: res.StatusCode, header: res.Header}
	if receipt := res.Header.Get("X-Hukou-Receipt"); receipt != "" {
		t.receipts = append(t.receipts, receipt)
	} else {
		t.differ("%s %s: no receipt", c.ID, path)
	}
	var parsed struct {
		Code json.RawMessage `json:"code"`
		Data struct {
			List []map[string]string `json:"list"`
		} `json:"data"`
	}
	if err := json.Unmarshal(text, &parsed); err != nil {
		return reply{}, fmt.Errorf("%s %s: the answer is not the JSON expected: %w", c.ID, path, err)
	}
	out.records = parsed.Data.List
	if out.status != http.StatusOK {
		if err := json.Unmarshal(parsed.Code, &out.code); err != nil {
			return reply{}, err
		}
	}
	return out, nil
}

// sideBySide asks for one resident as each caller.
func (t *tour) sideBySide() error {
	specimen := t.people.Specimen()
	t.heading("1. One resident, three callers 同一居民，三个调用方")
	var answers []map[string]string
	for _, c := range t.Callers {
		got, err := t.post(c, "/v1/residents/lookup", map[string]string{"citizen_id": specimen.GMSFHM}, nil)
		if err != nil {
			return err
		}
		if got.status != http.StatusOK || len(got.records) != 1 {
			return fmt.Errorf("%s: status %d (%s) with %d records, want 200 with one", c.ID, got.status, got.code, len(got.records))
		}
		answers = append(answers, got.records[0])
	}
	scopes := []string{"registry-clerk", "social-insurance", "bank-kyc"}
	byMember := map[string]string{}
	for _, m := range t.snapshot.Members(t.snapshot.Resource("resident")) {
		byMember[m.Name] = m.Field
	}
	rows := [][]string{{"field 字段", "source 数据源", t.Callers[0].Title, t.Callers[1].Title, t.Callers[2].Title}}
	hidden := 0
	for _, m := range specimen.Members() {
		row := []string{m.Name + " " + t.title(byMember[m.Name]), m.Value}
		visible := false
		for i, c := range t.Callers {
			outcome := access.Transform{Kind: access.Remove}
			if scope := t.snapshot.Scope(scopes[i]); scope != nil && byMember[m.Name] != "" {
				outcome = scope.Outcome(byMember[m.Name])
			}
			shown, there := answers[i][m.Name]
			if message := compare(outcome, m.Value, shown, there); message != "" {
				t.differ("%s: %s: %s", c.ID, m.Name, message)
			}
			visible = visible || there
			if !there {
				shown = "–"
			}
			row = append(row, shown)
		}
		if !visible {
			hidden++
		}
		if visible && m.Value != "" { // an empty member is compared, but shows nothing
			rows = append(rows, row)
		}
	}
	t.table(rows)
	t.printf("%d further members of the source's record went to nobody. 另有 %d 项对三方均不放行。\n", hidden, hidden)
	for i, answer := range answers {
		for name := range answer {
			if byMember[name] == "" {
				t.differ("%s: %s is not in the catalogue", t.Callers[i].ID, name)
			}
		}
	}
	return nil
}

func (t *tour) title(field string) string {
	if f := t.snapshot.Field(field); f != nil {
		return f.Title.Chinese
	}
	return ""
}

// compare says what differs between a value shown and what its transform means.
// It is written from the rules' README, not with the masker's code.
func compare(outcome access.Transform, source, shown string, there bool) string {
	const stars = "****"
	switch outcome.Kind {
	case access.Remove:
		if there {
			return "shown, must be removed"
		}
		return ""
	case access.Clear:
		if shown != source {
			return "differs from the source, must be clear"
		}
	case access.Keep:
		want := []rune(source)
		if len(want) > outcome.First+outcome.Last {
			want = slices.Concat(want[:outcome.First], []rune(stars), want[len(want)-outcome.Last:])
		} else if source != "" {
			want = []rune(stars)
		}
		if shown != string(want) {
			return fmt.Sprintf("want %s", rules.FormatTransform(outcome))
		}
	case access.Year:
		if source != "" && shown != source[:4] {
			return "want the year only"
		}
	case access.Pseudonym:
		if source != "" && (shown == source || !strings.HasPrefix(shown, "p1_") || len(shown) != 29) {
			return "want a pseudonym"
		}
	}
	if !there {
		return "missing"
	}
	return ""
}

// refusals asks what the rules do not permit.
func (t *tour) refusals() error {
	t.heading("2. Refusals 拒绝")
	social, bank := t.Callers[1], t.Callers[2]
	id := t.people.Specimen().GMSFHM
	stranger := Caller{ID: "nobody"}
	for _, c := range []struct {
		who    Caller
		what   string
		path   string
		body   map[string]string
		extra  http.Header
		status int
		code   access.Reason
	}{
		{stranger, "no credential 无凭据", "/v1/residents/lookup", map[string]string{"citizen_id": id}, nil, 401, access.CredentialMissing},
		{bank, "a whole household 查询全户", "/v1/households/lookup", map[string]string{"household_no": t.people.Specimen().HH}, nil, 403, access.NotPermitted},
		{bank, "an expired grant 授权已到期", "/v1/residents/lookup", map[string]string{"citizen_id": id}, http.Header{"X-Hukou-Application": {expiredApplication}}, 403, access.GrantExpired},
		{social, "another's application 他人的申请", "/v1/residents/lookup", map[string]string{"citizen_id": id}, http.Header{"X-Hukou-Application": {bankApplication}}, 403, access.ApplicationUnknown},
		{social, "a wrong check digit 校验位错误", "/v1/residents/lookup", map[string]string{"citizen_id": wrongDigit(id)}, nil, 400, access.ParameterInvalid},
	} {
		got, err := t.post(c.who, c.path, c.body, c.extra)
		if err != nil {
			return err
		}
		if got.status != c.status || got.code != string(c.code) {
			t.differ("%s, %s: got %d %s, want %d %s", c.who.ID, c.what, got.status, got.code, c.status, c.code)
		}
		t.printf("  %-16s %s → %d %s\n", c.who.ID, c.what, got.status, t.paint(red, got.code))
	}
	return nil
}

// wrongDigit changes the check character to one that is certainly wrong.
func wrongDigit(id string) string {
	last := byte('1')
	if id[17] == last {
		last = '2'
	}
	return id[:17] + string(last)
}

// budget uses up the bank's persons of the day; the specimen was the first.
func (t *tour) budget() error {
	t.heading("3. A budget runs out 限额用尽")
	bank, allowed := t.Callers[2], 1
	for _, p := range t.people.Residents()[1:] {
		got, err := t.post(bank, "/v1/residents/lookup", map[string]string{"citizen_id": p.GMSFHM}, nil)
		if err != nil {
			return err
		}
		if got.status == http.StatusOK {
			allowed++
			if allowed > bankPersons {
				break
			}
			continue
		}
		if got.status != http.StatusTooManyRequests || got.code != string(access.PersonsExceeded) || got.header.Get("Retry-After") == "" {
			t.differ("bank after %d persons: got %d %s, want 429 %s with Retry-After", allowed, got.status, got.code, access.PersonsExceeded)
		}
		t.printf("  demo-bank: %d persons answered, the next → %d %s (Retry-After: %s s)\n", allowed, got.status, t.paint(red, got.code), got.header.Get("Retry-After"))
		break
	}
	if allowed != bankPersons {
		t.differ("bank: %d persons answered, the grant allows %d", allowed, bankPersons)
	}
	again, err := t.post(bank, "/v1/residents/lookup", map[string]string{"citizen_id": t.people.Specimen().GMSFHM}, nil)
	if err != nil {
		return err
	}
	if again.status != http.StatusOK {
		t.differ("bank: a person counted already: got %d %s, want 200", again.status, again.code)
	}
	return nil
}

// bankPersons is the daily budget in the bank's signed grant.
const bankPersons = 5

var errNoRecord = errors.New("receipts without a record")

// provable verifies the ledger and finds every receipt in it.
func (t *tour) provable() error {
	t.heading("4. Every access is on record 每次访问均有记录")
	missing := map[string]bool{}
	for _, r := range t.receipts {
		missing[r] = true
	}
	dir := t.Path("ledger")
	var report ledger.Report
	// Refusals before identification are recorded by the second, a moment later.
	err := t.eventually(func() error {
		var err error
		if report, err = ledger.Verify(dir, ledger.VerifyOptions{}); err != nil {
			return err
		}
		if err := ledger.Scan(dir, func(_ ledger.Position, r ledger.Record) error {
			delete(missing, r.Receipt)
			return nil
		}); err != nil {
			return err
		}
		if len(missing) > 0 {
			return fmt.Errorf("%w: %d", errNoRecord, len(missing))
		}
		return nil
	})
	if err != nil {
		t.differ("ledger: %v", err)
		return nil
	}
	t.printf("  %d records verified, last hash %s…; all %d receipts are in them\n", report.Records, report.Last.Hash[:16], len(t.receipts))
	if err := t.noPersonalValue(); err != nil {
		return err
	}
	t.printf("  none of the %d identity numbers asked for stands in ledger or logs\n", bankPersons+2)
	return nil
}

// noPersonalValue looks for what was asked in everything the gate wrote.
func (t *tour) noPersonalValue() error {
	var sought []registry.Resident
	sought = append(sought, t.people.Residents()[:bankPersons+2]...)
	for _, name := range []string{"access.log", "gateway.log", "ledger"} {
		text, err := readAll(t.Path(name))
		if err != nil {
			return err
		}
		for _, p := range sought {
			if bytes.Contains(text, []byte(p.GMSFHM)) || bytes.Contains(text, []byte(p.XM)) {
				t.differ("%s holds a personal value", name)
				break
			}
		}
	}
	return nil
}
