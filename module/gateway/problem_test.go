package gateway

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"hukougate/module/access"
)

// TestProblemOfEveryReason: the document is whole in both languages and holds
// nothing but what its code fixes, the receipt aside.
func TestProblemOfEveryReason(t *testing.T) {
	app := &App{challenges: []string{`Bearer realm="hukou"`, `ApiKey realm="hukou"`}}
	for _, why := range access.Reasons() {
		for accept, lang := range map[string]string{"": "zh-CN", "en-GB,en;q=0.9": "en", "zh": "zh-CN"} {
			w := httptest.NewRecorder()
			r := httptest.NewRequest(http.MethodPost, "/v1/books/get?secret=secret", strings.NewReader("secret"))
			r.Header.Set("Accept-Language", accept)
			p := &passage{app: app, w: w, r: r, allow: []string{"GET", "POST"}, retry: 1500 * time.Millisecond, receipt: "not this one"}
			p.writeProblem(why, "THE-RECEIPT")
			e := access.Explain(why)
			title, detail := e.Title.Chinese, e.Detail.Chinese
			if lang == "en" {
				title, detail = e.Title.English, e.Detail.English
			}
			var got map[string]any
			if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
				t.Fatalf("%s: %v", why, err)
			}
			want := map[string]any{
				"type": "urn:hukougate:problem:" + string(why), "title": title, "status": float64(e.Status), "detail": detail, "code": string(why), "receipt": "THE-RECEIPT",
			}
			if !reflect.DeepEqual(got, want) || w.Code != e.Status {
				t.Errorf("%s, %q: %d %v, want %v", why, accept, w.Code, got, want)
			}
			checkHeaders(t, why, w, lang)
		}
	}
}

func checkHeaders(t *testing.T, why access.Reason, w *httptest.ResponseRecorder, lang string) {
	t.Helper()
	want := map[string]string{
		"Content-Type": "application/problem+json; charset=utf-8", "Content-Language": lang, "Content-Length": strconv.Itoa(w.Body.Len()),
		"X-Hukou-Receipt": "THE-RECEIPT", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff",
	}
	switch w.Code {
	case 401:
		want["Www-Authenticate"] = `Bearer realm="hukou", ApiKey realm="hukou"`
	case 405:
		want["Allow"] = "GET, POST"
	case 429:
		want["Retry-After"] = "2"
	case 503:
		want["Retry-After"] = "5"
	}
	for name, values := range w.Header() {
		if strings.Join(values, ", ") != want[name] {
			t.Errorf("%s: %s: %q, want %q", why, name, values, want[name])
		}
		delete(want, name)
	}
	if len(want) > 0 {
		t.Errorf("%s: headers missing: %v", why, want)
	}
}

func TestProblemWithoutABody(t *testing.T) {
	w := httptest.NewRecorder()
	(&passage{w: w, r: httptest.NewRequest(http.MethodHead, "/", nil)}).writeProblem(access.RouteUnknown, "r")
	if w.Code != 404 || w.Body.Len() != 0 || w.Header().Get("Content-Length") == "0" {
		t.Errorf("HEAD: %d with %d bytes, length %s", w.Code, w.Body.Len(), w.Header().Get("Content-Length"))
	}
}

func TestSpeaksEnglish(t *testing.T) {
	for header, want := range map[string]bool{
		"en": true, "EN": true, "en-US": true, "en-GB, zh;q=0.5": true, "fr, en;q=0.1": true, "en;q=0.5, zh;q=0.4": true,
		"": false, "zh": false, "zh-CN": false, "zh-Hant-TW": false, "zh-TW, en;q=0.5": false, "zh-HK": false, "zh, en": false, "zh;q=0.9, en;q=0.8": false, "fr": false, "ug": false, "*": false,
		"en;q=x": false, "\x00": false, "en" + strings.Repeat(",en", 100): false, "en;q=0": false,
	} {
		if speaksEnglish(header) != want {
			t.Errorf("%q: %v", header, !want)
		}
	}
}

func TestRetrySeconds(t *testing.T) {
	for d, want := range map[time.Duration]int{0: 1, -time.Hour: 1, 1: 1, time.Second: 1, time.Second + 1: 2, 90 * time.Minute: 5400} {
		if got := retrySeconds(d); got != want {
			t.Errorf("%v: %d, want %d", d, got, want)
		}
	}
}

// TestReasonsAreListed keeps the loop above from running over nothing.
func TestReasonsAreListed(t *testing.T) {
	if all := access.Reasons(); len(all) < 40 || !slices.Contains(all, access.InternalError) {
		t.Errorf("%d reasons", len(all))
	}
}
