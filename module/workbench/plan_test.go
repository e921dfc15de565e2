package workbench

import (
	"errors"
	"strings"
	"testing"
	"testing/fstest"

	"hukougate/module/mask"
)

// TestRulesThatCannotBeMasked: their tests would pass, and every query of the
// route would fail.
func TestRulesThatCannotBeMasked(t *testing.T) {
	b := bundle(t, map[string]string{"a.yaml": one("expect: allow")})
	deep := "records: " + strings.Repeat("/l", 70) + ","
	b["resources.yaml"] = &fstest.MapFile{Data: []byte(strings.Replace(library["resources.yaml"], "records: /l/*,", deep, 1))}
	report, err := Test(b)
	if !errors.Is(err, mask.ErrSpec) || !strings.Contains(err.Error(), `resource "book", route "book-get"`) || report.Passed != 0 {
		t.Errorf("%+v, %v", report, err)
	}
}
