package registry

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
)

// maxRequest is the largest request body taken, in bytes.
const maxRequest = 16 << 10

// maxPage is the most residents one page of a list holds.
const maxPage = 50

// Handler is the source's own interface, in the manner of real systems: HTTP
// 200 with a code in the envelope, the parameters of queries in a POST body,
// and no authentication to speak of.
//
//	POST /api/czrk/query      {"gmsfhm":"…"}             one full record or none
//	POST /api/czrk/search     {"xm":"…","csrq":"…"}      exact name and birth date
//	POST /api/czrk/household  {"hh":"…"}                 a household, head first
//	GET  /api/czrk/list?ssxq=110105&page=1&size=20       a county, size at most 50
//	GET  /healthz
//
// Only query gives the photo. A person who is not in the register is an empty
// list, not an error.
func (r *Registry) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/api/czrk/query", post(r.query, "gmsfhm"))
	mux.HandleFunc("/api/czrk/search", post(r.search, "xm", "csrq"))
	mux.HandleFunc("/api/czrk/household", post(r.household, "hh"))
	mux.HandleFunc("/api/czrk/list", only(http.MethodGet, r.list))
	mux.HandleFunc("/healthz", only(http.MethodGet, func(w http.ResponseWriter, _ *http.Request) {
		write(w, http.StatusOK, []byte(`{"code":0,"message":"成功"}`))
	}))
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { fail(w, http.StatusNotFound, "接口不存在") })
	return mux
}

// only lets one method through.
func only(method string, next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, req *http.Request) {
		if req.Method != method {
			w.Header().Set("Allow", method)
			fail(w, http.StatusMethodNotAllowed, "请求方法不支持")
			return
		}
		next(w, req)
	}
}

// post reads the named members of a JSON object, every one a string that must
// not be empty.
func post(answer func(values []string) []byte, names ...string) http.HandlerFunc {
	return only(http.MethodPost, func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, req.Body, maxRequest))
		if err != nil {
			status := http.StatusBadRequest
			if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
				status = http.StatusRequestEntityTooLarge
			}
			fail(w, status, "请求体无法读取")
			return
		}
		var members map[string]string
		if err := json.Unmarshal(body, &members); err != nil {
			fail(w, http.StatusBadRequest, "请求体不是有效的JSON")
			return
		}
		values := make([]string, len(names))
		for i, name := range names {
			if values[i] = members[name]; values[i] == "" {
				fail(w, http.StatusBadRequest, "缺少参数")
				return
			}
		}
		write(w, http.StatusOK, answer(values))
	})
}

func (r *Registry) query(values []string) []byte {
	p, ok := r.ByID(values[0])
	if !ok {
		return envelope(0, nil)
	}
	return envelope(1, [][]Member{p.Members()})
}

func (r *Registry) search(values []string) []byte {
	return listingBody(r.pick(r.byName[nameAndBirth{values[0], values[1]}]))
}

func (r *Registry) household(values []string) []byte { return listingBody(r.Household(values[0])) }

func (r *Registry) list(w http.ResponseWriter, req *http.Request) {
	q := req.URL.Query()
	page, pageErr := number(q.Get("page"), 1)
	size, sizeErr := number(q.Get("size"), 20)
	if pageErr != nil || sizeErr != nil || size > maxPage || q.Get("ssxq") == "" {
		fail(w, http.StatusBadRequest, "参数不正确")
		return
	}
	all := r.byDivision[q.Get("ssxq")]
	// Compare before multiplying: a huge page must not overflow into a small one.
	from := len(all)
	if page-1 <= len(all)/size {
		from = min((page-1)*size, len(all))
	}
	records := listings(r.pick(all[from:min(from+size, len(all))]))
	write(w, http.StatusOK, envelope(len(all), records))
}

// number reads a count of at least 1; absent, it is the given default.
func number(text string, absent int) (int, error) {
	if text == "" {
		return absent, nil
	}
	n, err := strconv.Atoi(text)
	if err == nil && n < 1 {
		err = strconv.ErrRange
	}
	return n, err
}

func write(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	// The client may be gone; there is nobody left to tell.
	_, _ = w.Write(body)
}

func fail(w http.ResponseWriter, status int, message string) {
	body := append([]byte(`{"code":`), strconv.Itoa(status)...)
	body = append(body, `,"message":`...)
	write(w, status, append(appendString(body, message), '}'))
}
