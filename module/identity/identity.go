// Package identity proves who calls: every credential a request presents is
// verified, and all of them must name the same caller of the Directory.
package identity

import (
	"errors"
	"net/http"
	"slices"

	"hukougate/module/access"
)

var (
	// ErrAbsent says that the request carries no credential of this kind.
	ErrAbsent = errors.New("identity: no credential of this kind")
	// ErrInvalid says that a credential is presented and not acceptable.
	ErrInvalid = errors.New("identity: credential not acceptable")
	// ErrUnavailable says that a credential could be neither accepted nor
	// refused, because the keys to verify it with can't be had.
	ErrUnavailable = errors.New("identity: verification keys unavailable")
)

// Authenticator verifies one kind of credential.
//
// Implementations MUST
//   - return (callerID, nil) only for a credential that is present, verified by
//     cryptography and named by d; callerID is then a caller of d;
//   - return ErrAbsent (wrapped or not) exactly when the request carries no
//     credential of their kind: an empty or repeated one is presented, and
//     ErrInvalid;
//   - return ErrUnavailable (wrapped) when the means of verification fail, and
//     an error wrapping ErrInvalid for everything else;
//   - return "" with every error;
//   - know nobody in the zero or nil Directory;
//   - never put a header value, a token or a person's name into an error;
//   - not change the request, and be safe for concurrent use.
//
// The suite in package identitytest checks these.
type Authenticator interface {
	Authenticate(r *http.Request, d *Directory) (callerID string, err error)
	Proof() access.Proof
}

// HeaderReader is implemented by an Authenticator that reads its credential
// from a request header, and names that header. Identify needs to know who
// takes the Authorization header: one that nobody accepted is refused.
type HeaderReader interface {
	ReadsHeader() string
}

const authorization = "Authorization"

// Identify asks every authenticator and returns the caller that all presented
// credentials name, with the proofs in the order of as; the Reason is "" on
// success only. The reasons, strongest first:
//
//   - CredentialInvalid: a credential was presented and not accepted, even when
//     others were, or an Authorization header came that no authenticator took;
//   - KeysUnavailable: a credential could not be verified for want of keys;
//   - CredentialConflict: credentials name different callers;
//   - CredentialMissing: none was presented.
func Identify(r *http.Request, d *Directory, as []Authenticator) (access.Caller, access.Reason) {
	var (
		id                             string
		proofs                         []access.Proof
		invalid, unavailable, conflict bool
	)
	// Presence, not content: an empty Authorization header is presented too.
	untaken := len(r.Header.Values(authorization)) > 0
	for _, a := range as {
		if a == nil {
			invalid = true
			continue
		}
		found, err := a.Authenticate(r, d)
		switch {
		case errors.Is(err, ErrAbsent):
			continue
		case errors.Is(err, ErrUnavailable):
			unavailable = true
			untaken = untaken && !takes(a, authorization)
			continue
		case err != nil || found == "":
			invalid = true
			continue
		}
		untaken = untaken && !takes(a, authorization)
		conflict = conflict || (id != "" && id != found)
		id = found
		if !slices.Contains(proofs, a.Proof()) {
			proofs = append(proofs, a.Proof())
		}
	}
	switch {
	case invalid || untaken:
		return access.Caller{}, access.CredentialInvalid
	case unavailable:
		return access.Caller{}, access.KeysUnavailable
	case conflict:
		return access.Caller{}, access.CredentialConflict
	case id == "":
		return access.Caller{}, access.CredentialMissing
	}
	caller, ok := d.Caller(id)
	if !ok {
		// An authenticator named somebody the directory does not know.
		return access.Caller{}, access.CredentialInvalid
	}
	caller.Proofs = proofs
	return caller, ""
}

func takes(a Authenticator, header string) bool {
	h, ok := a.(HeaderReader)
	return ok && http.CanonicalHeaderKey(h.ReadsHeader()) == header
}
