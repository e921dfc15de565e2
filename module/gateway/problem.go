package gateway

import (
	"encoding/json"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/language"

	"hukougate/module/access"
)

const (
	receiptHeader = "X-Hukou-Receipt"
	maxWriteTime  = 30 * time.Second
)

// problem is a refusal as the caller sees it (RFC 9457), with the members code
// and receipt added. Its texts are fixed per code.
type problem struct {
	Type    string `json:"type"`
	Title   string `json:"title"`
	Status  int    `json:"status"`
	Detail  string `json:"detail"`
	Code    string `json:"code"`
	Receipt string `json:"receipt"`
}

var (
	// Readers of traditional characters are given Chinese, not English.
	languages = []language.Tag{language.SimplifiedChinese, language.TraditionalChinese, language.English}
	matcher   = language.NewMatcher(languages)
)

// speaksEnglish picks the language of an Accept-Language header (RFC 9110
// §12.5.4); Chinese when it names neither.
func speaksEnglish(header string) bool {
	if len(header) > 200 {
		return false
	}
	tags, _, err := language.ParseAcceptLanguage(header)
	if err != nil {
		return false
	}
	_, index, confidence := matcher.Match(tags...)
	return languages[index] == language.English && confidence > language.No
}

// writeProblem answers with a refusal. It is the only place that does.
func (p *passage) writeProblem(why access.Reason, receipt string) {
	e := access.Explain(why)
	title, detail, lang := e.Title.Chinese, e.Detail.Chinese, "zh-CN"
	if speaksEnglish(p.r.Header.Get("Accept-Language")) {
		title, detail, lang = e.Title.English, e.Detail.English, "en"
	}
	body, err := json.Marshal(problem{
		Type: "urn:hukougate:problem:" + string(why), Title: title, Status: e.Status, Detail: detail, Code: string(why), Receipt: receipt,
	})
	if err != nil {
		body = []byte(`{"code":"internal_error"}`) // fixed strings always marshal
	}
	h := p.w.Header()
	p.fixedHeaders(h, receipt)
	h.Set("Content-Type", "application/problem+json; charset=utf-8")
	h.Set("Content-Language", lang)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	switch e.Status {
	case http.StatusUnauthorized:
		h["Www-Authenticate"] = p.app.challenges
	case http.StatusMethodNotAllowed:
		h.Set("Allow", strings.Join(p.allow, ", "))
	case http.StatusTooManyRequests:
		h.Set("Retry-After", strconv.Itoa(retrySeconds(p.retry)))
	case http.StatusServiceUnavailable:
		h.Set("Retry-After", "5")
	}
	p.w.WriteHeader(e.Status)
	if p.r.Method != http.MethodHead {
		_, _ = p.w.Write(body) // a client that is gone needs no answer
	}
}

// fixedHeaders are on every answer, whatever it says.
func (p *passage) fixedHeaders(h http.Header, receipt string) {
	h.Set(receiptHeader, receipt)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
}

// retrySeconds rounds up, so that a caller that waits as told is not early.
func retrySeconds(d time.Duration) int {
	return max(1, int(math.Ceil(d.Seconds())))
}

// release writes the masked body. The exchange gives it out only when its
// record is durable.
func (p *passage) release() {
	body, err := p.exchange.Release()
	if err != nil {
		p.refuse(access.InternalError)
		return
	}
	h := p.w.Header()
	p.fixedHeaders(h, p.receipt)
	h.Set("Content-Type", p.call.route.MediaType+"; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	control := http.NewResponseController(p.w)
	// A client that doesn't read must not stay on the path for ever.
	_ = control.SetWriteDeadline(time.Now().Add(maxWriteTime))
	p.w.WriteHeader(http.StatusOK)
	_, _ = p.w.Write(body) // recorded as released, whether or not the client took it
	_ = control.Flush()
	_ = control.SetWriteDeadline(time.Time{}) // the connection serves others after
	p.logAccess("released", http.StatusOK, "")
}
