package mask

import (
	"strings"

	"hukougate/module/access"
	"hukougate/module/citizenid"
	"hukougate/module/jsonlex"
)

// carried is the value a PersonPaths member had in the current record.
type carried struct {
	token jsonlex.Token
	found bool
}

// note keeps the value of a person member until its record is closed.
func (r *run) note(n *node, t jsonlex.Token) {
	if n.rank > 0 {
		r.carried[n.rank-1] = carried{token: t, found: true}
	}
}

// counted adds a record and its person to the account. raw is the record as the
// source sent it.
func (r *run) counted(raw []byte) error {
	r.records++
	kind, value := "person", r.personValue()
	if value == "" {
		// Nobody is named: each distinct record counts as a person of its own, so
		// that leaving the number out never makes a budget last longer.
		kind, value = "record", string(raw)
	}
	key := kind + ":" + value
	if _, known := r.known[key]; known {
		return nil
	}
	if r.known == nil {
		r.known = map[string]struct{}{}
	}
	r.known[key] = struct{}{}
	p, err := r.keys.Person.Pseudonym(kind, value)
	if err != nil {
		return err
	}
	r.persons = append(r.persons, p)
	return nil
}

// personValue returns the canonical text of the preferred person member that has
// one, and forgets the record's values; "" when none has. Null, true, false and
// containers name nobody.
func (r *run) personValue() string {
	value := ""
	for i := range r.carried {
		c := r.carried[i]
		r.carried[i] = carried{}
		if !c.found || value != "" {
			continue
		}
		switch c.token.Kind {
		case jsonlex.String:
			value, _ = citizenid.Canonical(string(r.lex.Text(c.token, r.text)))
		case jsonlex.Number:
			value, _ = citizenid.Canonical(string(r.body[c.token.Start:c.token.End]))
		}
	}
	return strings.TrimSpace(value)
}

// masking is the released body with its account, fields in the plan's order.
func (r *run) masking() access.Masking {
	m := access.Masking{Body: r.out, Records: r.records, Persons: r.persons, Unnamed: r.unnamed, Done: true}
	for i, c := range r.counts {
		if c != (access.FieldCount{}) {
			c.Field = r.plan.fields[i]
			m.Fields = append(m.Fields, c)
		}
	}
	return m
}
