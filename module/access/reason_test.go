package access

import (
	"regexp"
	"testing"
	"unicode"
)

var reasonForm = regexp.MustCompile(`^[a-z]+(_[a-z]+)*$`)

// TestExplanations: every reason is explained in both languages, with a status
// that refuses, and no two reasons tell the same.
func TestExplanations(t *testing.T) {
	titles := map[string]Reason{}
	for _, r := range Reasons() {
		e := Explain(r)
		if !reasonForm.MatchString(string(r)) {
			t.Errorf("%q is no stable code", r)
		}
		if e.Status < 400 || e.Status > 599 {
			t.Errorf("%s: status %d", r, e.Status)
		}
		for _, text := range []Text{e.Title, e.Detail} {
			if !holdsHan(text.Chinese) || text.English == "" || holdsHan(text.English) {
				t.Errorf("%s: %+v is not in both languages", r, text)
			}
		}
		for _, title := range []string{e.Title.Chinese, e.Title.English} {
			if other, taken := titles[title]; taken {
				t.Errorf("%s and %s bear the same title %q", r, other, title)
			}
			titles[title] = r
		}
	}
}

func holdsHan(s string) bool {
	for _, r := range s {
		if unicode.Is(unicode.Han, r) {
			return true
		}
	}
	return false
}

// TestEveryReasonIsExplained pins the codes: callers branch on them and ledgers
// hold them, so that one may be added but none may change.
func TestEveryReasonIsExplained(t *testing.T) {
	statuses := map[Reason]int{
		CredentialMissing: 401, CredentialInvalid: 401, CredentialConflict: 401, TooManyFailures: 429,
		PathNotCanonical: 400, RouteUnknown: 404, MethodNotAllowed: 405, HeaderInvalid: 400, ParameterDuplicate: 400,
		ParameterUnknown: 400, ParameterMissing: 400, ParameterInvalid: 400, RequestBodyInvalid: 400, RequestTypeInvalid: 415,
		RequestBodyTooLarge: 413, RequestTooSlow: 408, ApplicationMissing: 403, ApplicationUnknown: 403, GrantExpired: 403, GrantNotYetValid: 403,
		GrantRevoked: 403, AgreementExpired: 403, GrantInvalid: 403, NotPermitted: 403, RateExceeded: 429, PersonsExceeded: 429,
		SourceUnreachable: 502, SourceTimeout: 504, SourceStatus: 502, SourceType: 502, SourceEncoding: 502, SourceTooLarge: 502,
		SourceMalformed: 502, SourceDuplicate: 502, SourceShape: 502, SourceTruncated: 502, RulesUnavailable: 503,
		LedgerUnavailable: 503, KeysUnavailable: 503, QuotaUnavailable: 503, InternalError: 500, ClientGone: 499,
	}
	for r, status := range statuses {
		if got := Explain(r).Status; got != status {
			t.Errorf("%s: status %d, want %d", r, got, status)
		}
		if r != InternalError && Explain(r) == Explain(InternalError) {
			t.Errorf("%s is not explained", r)
		}
	}
	if len(Reasons()) != len(statuses) {
		t.Errorf("%d reasons are listed, %d are known here", len(Reasons()), len(statuses))
	}
}

func TestUnknownReasonRevealsNothing(t *testing.T) {
	for _, r := range []Reason{"", "no_such_reason"} {
		if Explain(r) != Explain(InternalError) {
			t.Errorf("%q is explained as %+v", r, Explain(r))
		}
	}
}
