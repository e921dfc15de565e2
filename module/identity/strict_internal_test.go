package identity

import (
	"encoding/json"
	"strings"
	"testing"

	josejson "github.com/go-jose/go-jose/v4/json"

	"hukougate/module/jsonlex"
)

// FuzzDecodersAgree: what jsonlex passes, both decoders that read tokens and key
// sets read alike.
func FuzzDecodersAgree(f *testing.F) {
	f.Add([]byte(`{"a":[{"b":"c"},null,1e5],"d":{"a":true}}`))
	f.Add([]byte(`{"a":1,"\u0061":1}`))
	f.Add([]byte(`{"a":"\ufffd","A":"\ud83d\ude00"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if jsonlex.Valid(data, jsonlex.Options{}) != nil {
			return
		}
		var std, jose any
		if err := json.Unmarshal(data, &std); err != nil {
			if strings.Contains(err.Error(), "cannot unmarshal number") {
				return // beyond float64; both refuse
			}
			t.Fatalf("encoding/json: %v", err)
		}
		if err := josejson.Unmarshal(data, &jose); err != nil {
			t.Fatalf("go-jose: %v", err)
		}
		a, errA := json.Marshal(std)
		b, errB := json.Marshal(jose)
		if errA != nil || errB != nil || string(a) != string(b) {
			t.Errorf("read differently: %s and %s", a, b)
		}
	})
}

func TestParseKeySet(t *testing.T) {
	const (
		ec  = `{"kty":"EC","kid":"ec","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}`
		ed  = `{"kty":"OKP","kid":"ed","use":"sig","alg":"EdDSA","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`
		enc = `{"kty":"EC","kid":"enc","use":"enc","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}`
	)
	set := func(keys ...string) string { return `{"keys":[` + strings.Join(keys, ",") + `]}` }
	for name, c := range map[string]struct {
		text   string
		usable int
	}{
		"two":                     {set(ec, ed), 2},
		"extra members":           {`{"keys":[` + ec + `],"next":1}`, 1},
		"for encryption left out": {set(ec, enc), 1},
		"unknown type left out":   {set(ed, `{"kty":"AKP","kid":"x","pub":"AA"}`, `{"kty":"OKP","kid":"y","crv":"X25519","x":"AA"}`), 1},
		"no kid left out":         {set(ed, strings.Replace(ec, `"kid":"ec",`, "", 1)), 1},
		"same kid twice":          {set(ed, strings.Replace(ec, `"kid":"ec"`, `"kid":"ed"`, 1)), 2},
		"empty":                   {``, 0},
		"no object":               {`[` + ec + `]`, 0},
		"null":                    {`null`, 0},
		"text":                    {`"keys"`, 0},
		"no keys":                 {`{}`, 0},
		"keys no list":            {`{"keys":{}}`, 0},
		"keys null":               {`{"keys":null}`, 0},
		"keys in capitals":        {`{"Keys":[` + ec + `]}`, 0},
		"no key":                  {set(), 0},
		"key no object":           {set(ec, `"x"`), 0},
		"none usable":             {set(enc), 0},
		"private":                 {set(ed, strings.Replace(ec, `"x":`, `"d":"AQ","x":`, 1)), 0},
		"private null":            {set(ed, strings.Replace(ec, `"x":`, `"d":null,"x":`, 1)), 0},
		"private, of no use here": {set(ed, strings.Replace(enc, `"x":`, `"d":"AQ","x":`, 1)), 0},
		"symmetric":               {set(ed, `{"kty":"oct","kid":"s","k":"c2VjcmV0"}`), 0},
		"symmetric without kid":   {set(ed, `{"kty":"oct","k":"c2VjcmV0"}`), 0},
		"k in another type":       {set(ed, `{"kty":"x","k":"c2VjcmV0"}`), 0},
		"off the curve":           {set(ed, strings.Replace(ec, "f83", "f84", 1)), 0},
		"short RSA":               {set(ed, `{"kty":"RSA","kid":"r","e":"AQAB","n":"`+strings.Repeat("q", 171)+`"}`), 0},
		"duplicate member":        {set(strings.Replace(ec, `"kty":"EC"`, `"kty":"oct","kty":"EC"`, 1)), 0},
		"keys twice, escaped":     {`{"keys":[` + ec + `],"\u006beys":[` + ed + `]}`, 0},
		"lone surrogate":          {`{"keys":[` + ec + `],"x":"\ud800"}`, 0},
		"invalid UTF-8":           {`{"keys":[` + ec + "],\"x\":\"\xff\"}", 0},
		"byte order mark":         {"\ufeff" + set(ec), 0},
		"keys twice":              {`{"keys":[` + ec + `],"keys":[` + ed + `]}`, 0},
		"trailing":                {set(ec) + "x", 0},
		"too large":               {set(ec) + strings.Repeat(" ", maxKeySet), 0},
	} {
		got, err := parseKeySet([]byte(c.text))
		if len(got) != c.usable || (err == nil) != (c.usable > 0) {
			t.Errorf("%s: %d keys, %v", name, len(got), err)
		}
		if err != nil && (strings.Contains(err.Error(), "c2VjcmV0") || strings.Contains(err.Error(), "f84")) {
			t.Errorf("%s: the error shows a key: %v", name, err)
		}
	}
	doubled, err := parseKeySet([]byte(set(ed, strings.Replace(ec, `"kid":"ec"`, `"kid":"ed"`, 1))))
	if err != nil {
		t.Fatal(err)
	}
	for _, kid := range []string{"ed", "ec", ""} {
		if _, err := doubled.find(kid); err == nil {
			t.Errorf("kid %q: one key found", kid)
		}
	}
}

func FuzzParseKeySet(f *testing.F) {
	f.Add([]byte(`{"keys":[{"kty":"OKP","kid":"ed","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		set, err := parseKeySet(data)
		if (err == nil) != (len(set) > 0) {
			t.Fatalf("%d keys with %v", len(set), err)
		}
		for _, k := range set {
			if !k.IsPublic() || k.KeyID == "" {
				t.Errorf("a key that is not public or has no kid")
			}
		}
	})
}
