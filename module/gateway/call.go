package gateway

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"hukougate/module/access"
	"hukougate/module/citizenid"
	"hukougate/module/jsonlex"
	"hukougate/module/keys"
	"hukougate/module/policy"
	"hukougate/module/rules"
)

const (
	maxRequestBody = 64 << 10
	maxBodyTime    = 5 * time.Second
	maxQueryBytes  = 4 << 10

	applicationHeaderName = "X-Hukou-Application"
)

// call is what was asked: a route and its typed parameters, in the route's
// order. Nothing else of the client's request survives.
type call struct {
	route  *rules.Route
	values []value // one for each parameter present
}

type value struct {
	parameter *rules.Parameter
	text      string
}

// given is a parameter as the client sent it. In URLs everything is text.
type given struct {
	text string
	kind jsonlex.Kind
}

// canonicalPath keeps paths to characters that have one spelling only. A path
// that needs an escape is refused: no route of ours has one, and an escape is
// where two parsers disagree (attacks F1).
var canonicalPath = regexp.MustCompile(`^(/|(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+)$`)

// parseCall reads a request against the route table. allow lists the methods of
// a known path when the method is not among them.
func parseCall(s *rules.Snapshot, r *http.Request, body clientBody) (c call, allow []string, why access.Reason) {
	path, query, hasQuery := strings.Cut(r.RequestURI, "?")
	if !canonicalPath.MatchString(path) || path != r.URL.Path || r.URL.Fragment != "" {
		return call{}, nil, access.PathNotCanonical
	}
	route, inPath, allow := s.Match(r.Method, path)
	switch {
	case route == nil && len(allow) > 0:
		return call{}, allow, access.MethodNotAllowed
	case route == nil:
		return call{}, nil, access.RouteUnknown
	}
	all := map[rules.Place]map[string]given{rules.InPath: {}}
	for name, text := range inPath {
		all[rules.InPath][name] = given{text, jsonlex.String}
	}
	if all[rules.InQuery], why = parseQuery(query, hasQuery); why != "" {
		return call{route: route}, nil, why
	}
	if all[rules.InBody], why = parseBody(r, body); why != "" {
		return call{route: route}, nil, why
	}
	values, why := bind(route, all)
	return call{route: route, values: values}, nil, why
}

// parseQuery splits a query strictly: no duplicate, no semicolon, no name
// without "=", no invalid escape, no invalid UTF-8.
func parseQuery(raw string, present bool) (map[string]given, access.Reason) {
	if !present {
		return nil, ""
	}
	if raw == "" || len(raw) > maxQueryBytes || strings.Contains(raw, ";") {
		return nil, access.ParameterInvalid
	}
	out := map[string]given{}
	for pair := range strings.SplitSeq(raw, "&") {
		rawName, rawValue, ok := strings.Cut(pair, "=")
		name, err1 := url.QueryUnescape(rawName)
		text, err2 := url.QueryUnescape(rawValue)
		if !ok || err1 != nil || err2 != nil || !utf8.ValidString(name) || !utf8.ValidString(text) {
			return nil, access.ParameterInvalid
		}
		if _, twice := out[name]; twice {
			return nil, access.ParameterDuplicate
		}
		out[name] = given{text, jsonlex.String}
	}
	return out, ""
}

// clientBody is a request's body, read whole before any fact is established:
// a body that is still on its way would keep an old identity and old rules alive.
type clientBody struct {
	bytes []byte
	why   access.Reason // why it can't be used, once somebody is there to be told
}

// readBody reads a request's body in at most maxBodyTime.
func readBody(w http.ResponseWriter, r *http.Request) clientBody {
	if r.ContentLength == 0 {
		return clientBody{}
	}
	control := http.NewResponseController(w)
	if err := control.SetReadDeadline(time.Now().Add(maxBodyTime)); err != nil {
		return clientBody{why: access.InternalError}
	}
	body := collectBody(r)
	if body.why == access.RequestTooSlow {
		return body // its deadline stays: the connection is of no more use
	}
	// Or it would end the wait for the source, which may be longer.
	if err := control.SetReadDeadline(time.Time{}); err != nil {
		return clientBody{why: access.InternalError}
	}
	return body
}

// collectBody reads at most maxRequestBody bytes.
func collectBody(r *http.Request) clientBody {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxRequestBody+1))
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return clientBody{why: access.RequestTooSlow}
	case err != nil:
		return clientBody{why: access.RequestBodyInvalid}
	case len(body) > maxRequestBody:
		return clientBody{why: access.RequestBodyTooLarge}
	}
	return clientBody{bytes: body}
}

// parseBody reads a flat JSON object from a POST; other methods have no body.
func parseBody(r *http.Request, body clientBody) (map[string]given, access.Reason) {
	if r.Method != http.MethodPost {
		if r.ContentLength != 0 {
			return nil, access.RequestBodyInvalid
		}
		return nil, ""
	}
	if !jsonType(r.Header["Content-Type"]) || len(r.Header["Content-Encoding"]) > 0 {
		return nil, access.RequestTypeInvalid
	}
	if body.why != "" {
		return nil, body.why
	}
	members, err := jsonlex.ParseFlat(body.bytes, jsonlex.Options{})
	if err != nil {
		var syntax *jsonlex.SyntaxError
		if errors.As(err, &syntax) && syntax.Kind == jsonlex.DuplicateName {
			return nil, access.ParameterDuplicate
		}
		return nil, access.RequestBodyInvalid
	}
	out := make(map[string]given, len(members))
	for _, m := range members {
		out[m.Name] = given{m.Text, m.Kind}
	}
	return out, ""
}

// jsonType accepts exactly one Content-Type: JSON, in UTF-8 if it says so.
func jsonType(header []string) bool {
	if len(header) != 1 {
		return false
	}
	mediaType, params, err := mime.ParseMediaType(header[0])
	if err != nil || mediaType != "application/json" {
		return false
	}
	for name, v := range params {
		if name != "charset" || !strings.EqualFold(v, "utf-8") {
			return false
		}
	}
	return true
}

// bind checks what was given against the route's parameters, both ways.
func bind(route *rules.Route, all map[rules.Place]map[string]given) ([]value, access.Reason) {
	var out []value
	for i := range route.Parameters {
		p := &route.Parameters[i]
		g, ok := all[p.In][p.Name]
		switch {
		case !ok && p.Required:
			return nil, access.ParameterMissing
		case !ok:
			continue
		case p.In == rules.InBody && (g.kind == jsonlex.Number) != (p.Type == rules.TypeInteger), g.kind != jsonlex.Number && g.kind != jsonlex.String:
			return nil, access.ParameterInvalid
		}
		text, ok := checkValue(p, g.text)
		if !ok {
			return nil, access.ParameterInvalid
		}
		delete(all[p.In], p.Name)
		out = append(out, value{p, text})
	}
	for _, left := range all {
		if len(left) > 0 {
			return nil, access.ParameterUnknown
		}
	}
	return out, ""
}

var (
	identifierPattern = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
	divisionPattern   = regexp.MustCompile(`^[1-9][0-9]{5}$`)
	integerPattern    = regexp.MustCompile(`^(0|[1-9][0-9]{0,8})$`)
)

// checkValue accepts a value in the one form of its type and returns it in
// canonical spelling.
func checkValue(p *rules.Parameter, text string) (string, bool) {
	switch p.Type {
	case rules.TypeCitizenID:
		if _, err := citizenid.Parse(text); err != nil {
			return "", false
		}
		return strings.ToUpper(text), true
	case rules.TypeDate:
		_, err := time.Parse("20060102", text)
		return text, err == nil
	case rules.TypeDivision:
		return text, divisionPattern.MatchString(text)
	case rules.TypeInteger:
		n, err := strconv.Atoi(text)
		return text, err == nil && integerPattern.MatchString(text) && n >= p.Min && n <= p.Max
	case rules.TypeIdentifier:
		return text, identifierPattern.MatchString(text)
	case rules.TypeText:
		n := utf8.RuneCountInString(text)
		clean := strings.TrimSpace(text) == text && !strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) && r != ' ' })
		return text, clean && n >= max(1, p.Min) && n <= p.Max
	}
	return "", false
}

// applicationHeader reads the application's number; absent is "".
func applicationHeader(r *http.Request) (string, access.Reason) {
	given := r.Header[applicationHeaderName]
	switch {
	case len(given) == 0:
		return "", ""
	case len(given) > 1 || !policy.ValidApplication(given[0]):
		return "", access.HeaderInvalid
	}
	return given[0], ""
}

// persons names the persons the request asks for by number, as pseudonyms.
func (c call) persons(key keys.Key) ([]string, error) {
	var out []string
	for _, v := range c.values {
		if !v.parameter.Person {
			continue
		}
		canonical, _ := citizenid.Canonical(v.text)
		p, err := key.Pseudonym(personDomain, canonical)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(out, p) {
			out = append(out, p)
		}
	}
	return out, nil
}

// text spells the call out for its digest: route and parameters, in order.
func (c call) text() []string {
	out := []string{c.route.ID}
	for _, v := range c.values {
		out = append(out, v.parameter.Name, v.text)
	}
	return out
}
