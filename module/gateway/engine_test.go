package gateway

import (
	"errors"
	"strings"
	"testing"

	"hukougate/module/mask"
)

// TestRulesThatCannotBeMaskedAreRefused: found at the first query, it would be
// an internal error for every caller of the route.
func TestRulesThatCannotBeMaskedAreRefused(t *testing.T) {
	s := snapshot(t)
	if _, err := newEngine(s, nil); err != nil {
		t.Fatal(err)
	}
	s.Route("book-move").Records = strings.Repeat("/l", 70)
	if e, err := newEngine(s, nil); !errors.Is(err, mask.ErrSpec) || !strings.Contains(err.Error(), `route "book-move"`) || e != nil {
		t.Errorf("%v", err)
	}
}
