package demo

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/text/width"
)

const (
	bold  = "\x1b[1m"
	green = "\x1b[32m"
	red   = "\x1b[31m"
	plain = "\x1b[0m"
)

func (s *stage) paint(colour, text string) string {
	if !s.color {
		return text
	}
	return colour + text + plain
}

func (s *stage) printf(format string, args ...any) { fmt.Fprintf(s.out, format, args...) }

func (s *stage) heading(text string) { s.printf("\n%s\n", s.paint(bold, text)) }

// columns counts the terminal columns of a text: East Asian wide characters
// take two (Unicode Standard Annex #11).
func columns(text string) int {
	n := 0
	for _, r := range text {
		switch width.LookupRune(r).Kind() {
		case width.EastAsianWide, width.EastAsianFullwidth:
			n += 2
		default:
			n++
		}
	}
	return n
}

const maxColumns = 34

func clip(text string) string {
	if columns(text) <= maxColumns {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		if columns(b.String()) >= maxColumns-2 {
			break
		}
		b.WriteRune(r)
	}
	return b.String() + "…"
}

func (s *stage) table(rows [][]string) {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i := range row {
			row[i] = clip(row[i])
			widths[i] = max(widths[i], columns(row[i]))
		}
	}
	for n, row := range rows {
		var b strings.Builder
		for i, cell := range row {
			b.WriteString(cell + strings.Repeat(" ", widths[i]-columns(cell)+2))
		}
		line := strings.TrimRight(b.String(), " ")
		if n == 0 {
			line = s.paint(bold, line)
		}
		s.printf("%s\n", line)
	}
}

// printInvitation shows lines to copy; each works as it stands.
func (s *stage) printInvitation() {
	ca := s.Path("caddy/pki/authorities/local/root.crt")
	id := s.people.Specimen().GMSFHM
	s.heading("Hukou Gate 户籍信息网关: the demo is running 演示已启动")
	s.printf("The same resident, asked for by three callers; each sees what its purpose allows.\n同一居民，三个调用方，各自只看到其目的所允许的内容。\n")
	for _, c := range s.Callers {
		s.printf("\n# %s\ncurl --silent --cacert %s %s \\\n  -H 'Content-Type: application/json' -d '{\"citizen_id\": \"%s\"}' \\\n  %s\n", c.Title, ca, c.curl, id, s.URL("/v1/residents/lookup"))
	}
	s.printf("\n# a refusal, in English 拒绝示例\ncurl --silent --cacert %s -H 'Accept-Language: en' -H 'Content-Type: application/json' -d '{}' \\\n  %s\n", ca, s.URL("/v1/residents/lookup"))
	s.printf("\n# residents of a division, by the clerk 按区划分页\ncurl --silent --cacert %s %s \\\n  '%s'\n", ca, s.Callers[0].curl, s.URL("/v1/divisions/"+s.people.Specimen().SSXQ+"/residents?page=1&size=2"))
	s.printf("\nEdit the rules in %s and ask again: a change is in force within a second.\n", s.Path("rules"))
	s.printf("Verify the ledger: hukouverify %s (in a clone: go run ./cmd/hukouverify …)\n", s.Path("ledger"))
	s.printf("All of it by itself, compared with the rules: hukougate demo --tour (in a clone: make tour)\nEnd with Ctrl-C.\n")
}

// eventually tries until f succeeds or ten seconds have passed.
func (t *tour) eventually(f func() error) error {
	deadline := time.Now().Add(10 * time.Second)
	for {
		err := f()
		if err == nil || time.Now().After(deadline) {
			return err
		}
		select {
		case <-t.ctx.Done():
			return errors.Join(err, t.ctx.Err())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// readAll reads a file, or every file of a folder, into one text.
func readAll(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return os.ReadFile(path)
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, err
	}
	var all []byte
	for _, e := range entries {
		text, err := os.ReadFile(filepath.Join(path, e.Name()))
		if err != nil {
			return nil, err
		}
		all = append(all, text...)
	}
	return all, nil
}
