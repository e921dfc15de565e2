package policy

import (
	"bytes"
	"crypto/ed25519"
	"testing"

	"hukougate/module/access"
)

// FuzzVerify: whatever is accepted is a text the trusted key signed.
func FuzzVerify(f *testing.F) {
	bodies := [][]byte{FormatGrant(grant()), []byte("a: 1\n")}
	for _, body := range bodies {
		signed := Sign(body, signer(1))
		f.Add(body)
		f.Add(signed)
		f.Add(Sign(signed, signer(2)))
		f.Add(Sign(body, signer(2)))
		f.Add(append(bytes.Clone(signed), body...))
		f.Add(signed[:len(signed)-1])
	}
	trusted := []ed25519.PublicKey{public(signer(1))}
	f.Fuzz(func(t *testing.T, text []byte) {
		body, err := Verify(text, trusted)
		if err != nil {
			if body != nil {
				t.Errorf("refused, yet gives %q", body)
			}
			return
		}
		if !bytes.Equal(body, bodies[0]) && !bytes.Equal(body, bodies[1]) {
			t.Errorf("accepts %q, which was never signed", body)
		}
		if !bytes.Equal(Body(text), body) {
			t.Errorf("Body gives %q, Verify %q", Body(text), body)
		}
	})
}

// FuzzParseGrant: what is accepted is well-formed and is read back the same
// after it was written again, as a revocation does.
func FuzzParseGrant(f *testing.F) {
	f.Add(FormatGrant(grant()))
	f.Add(FormatGrant(grant(func(g *access.Grant) { g.Fields, g.Revoked = []string{"title"}, true })))
	f.Add(FormatGrant(grant(func(g *access.Grant) { g.Role, g.Unit = "a: b", "\"\n\x85" })))
	f.Add([]byte("application: APP-1\nrevision: 1\n"))
	f.Add([]byte("{}"))
	f.Fuzz(func(t *testing.T, body []byte) {
		g, err := ParseGrant("g.yaml", body)
		if err != nil {
			return
		}
		if !ValidApplication(g.Application) || g.Revision < 1 || g.Caller == "" || len(g.Resources) == 0 || !g.NotBefore.Before(g.NotAfter) {
			t.Fatalf("accepts %+v", g)
		}
		again, err := ParseGrant("g.yaml", FormatGrant(g))
		if err != nil || !sameGrant(again, g) {
			t.Fatalf("written again: %v\ngot  %+v\nwant %+v", err, again, g)
		}
	})
}
