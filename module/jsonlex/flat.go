package jsonlex

// Member is one member of a flat object. Text is the decoded string, the number
// as written, or true or false.
type Member struct {
	Name string
	Kind Kind // String, Number (an integer), True or False
	Text string
}

// ParseFlat reads one JSON object whose values are strings, integers or
// booleans, as request parameters are, in their order. MaxDepth is taken as 1: a
// nested value is TooDeep. Null, a fraction or an exponent, and any other
// top-level value are Malformed. Decoded texts may hold any character, U+0000
// included. The error is a *SyntaxError.
func ParseFlat(body []byte, o Options) ([]Member, error) {
	o.MaxDepth = 1
	var l Lexer
	l.Reset(body, o)
	t, err := l.Next()
	if err != nil {
		return nil, err
	}
	if t.Kind != BeginObject {
		return nil, &SyntaxError{Offset: t.Start, Kind: Malformed}
	}
	members := []Member{}
	for {
		if t, err = l.Next(); err != nil {
			return nil, err
		}
		if t.Kind != Name {
			break // the closing brace
		}
		m := Member{Name: string(l.Name())}
		if t, err = l.Next(); err != nil {
			return nil, err
		}
		m.Kind = t.Kind
		switch {
		case t.Kind == String:
			m.Text = string(l.Text(t, nil))
		case t.Kind == True || t.Kind == False || t.Kind == Number && Integer(body[t.Start:t.End]):
			m.Text = string(body[t.Start:t.End])
		default:
			return nil, &SyntaxError{Offset: t.Start, Kind: Malformed}
		}
		members = append(members, m)
	}
	if _, err = l.Next(); err != nil {
		return nil, err
	}
	return members, nil
}

// Integer reports whether a number token is written without fraction and
// exponent.
func Integer(number []byte) bool {
	for _, c := range number {
		if c == '.' || c == 'e' || c == 'E' {
			return false
		}
	}
	return len(number) > 0
}
