package command

import (
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"hukougate/module/access"
	"hukougate/module/policy"
	"hukougate/module/rules"
)

func grantCommand(cmd *cobra.Command) {
	family(cmd, "grant", grantKeygen(), grantNew(), grantCheck(), grantSign(), grantRevoke())
}

func grantKeygen() *cobra.Command {
	return child("keygen NAME", "Makes a signing key: NAME.key (keep it secret) and NAME.pub (the gate's trust)", cobra.ExactArgs(1),
		func(cmd *cobra.Command, args []string) error {
			public, private, err := ed25519.GenerateKey(rand.Reader)
			if err != nil {
				return err
			}
			secret, err := policy.EncodePrivateKey(private)
			if err != nil {
				return err
			}
			open, err := policy.EncodePublicKey(public)
			if err != nil {
				return err
			}
			if err := writeNew(args[0]+".key", secret, 0o600); err != nil {
				return err
			}
			if err := writeNew(args[0]+".pub", open, 0o644); err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "key %s: %s.key signs grants; name %s.pub as trust in the gate\n", policy.KeyID(public), args[0], args[0])
			return nil
		})
}

func grantNew() *cobra.Command {
	var g access.Grant
	var from, until, agreement string
	cmd := child("new FILE", "Writes a grant to be checked and signed", cobra.ExactArgs(1), func(cmd *cobra.Command, args []string) error {
		g.Revision = 1
		for _, t := range []struct {
			into *time.Time
			text string
		}{{&g.NotBefore, from}, {&g.NotAfter, until}, {&g.Agreement, agreement}} {
			at, err := time.Parse(time.RFC3339, t.text)
			if err != nil {
				return fmt.Errorf("%q is not a time such as 2026-01-01T00:00:00+08:00", t.text)
			}
			*t.into = at
		}
		text := policy.FormatGrant(g)
		if _, err := policy.ParseGrant(args[0], text); err != nil {
			return err
		}
		if err := writeNew(args[0], text, 0o644); err != nil {
			return err
		}
		fmt.Fprintf(cmd.OutOrStdout(), "%s written; next: hukougate grant check %s --rules DIR, then hukougate grant sign %s --key KEY\n", args[0], args[0], args[0])
		return nil
	})
	f := cmd.Flags()
	f.StringVar(&g.Application, "application", "", "application number, such as APP-2026-0001")
	f.StringVar(&g.Caller, "caller", "", "id of the caller it is granted to")
	f.StringVar(&g.Unit, "unit", "", "the unit that applied")
	f.StringVar(&g.Role, "role", "", "role in which the caller acts")
	f.StringVar(&g.Purpose, "purpose", "", "purpose id of the rules")
	f.StringVar(&g.LegalBasis, "legal-basis", "", "clause or document the query rests on")
	f.StringVar(&g.Scope, "scope", "", "scope id of the rules")
	f.StringSliceVar(&g.Resources, "resource", nil, "resource ids, comma-separated")
	f.StringSliceVar(&g.Fields, "field", nil, "narrows the scope to these fields, comma-separated")
	f.StringVar(&from, "from", "", "not before, RFC 3339")
	f.StringVar(&until, "until", "", "not after, RFC 3339")
	f.StringVar(&agreement, "agreement-until", "", "confidentiality agreement in force until, RFC 3339")
	f.IntVar(&g.Budget.RequestsPerMinute, "requests-per-minute", 0, "narrows the role's limit; 0: the role's own")
	f.IntVar(&g.Budget.PersonsPerDay, "persons-per-day", 0, "narrows the role's limit; 0: the role's own")
	for _, name := range []string{"application", "caller", "unit", "role", "purpose", "legal-basis", "scope", "resource", "from", "until", "agreement-until"} {
		if err := cmd.MarkFlagRequired(name); err != nil {
			panic(err) // a flag that does not exist is a mistake in this file
		}
	}
	return cmd
}

func grantCheck() *cobra.Command {
	var dir, trust string
	cmd := child("check FILE…", "Checks grants against the rules and, with --trust, their signatures", cobra.MinimumNArgs(1), func(cmd *cobra.Command, args []string) error {
		s, err := rules.Load(os.DirFS(dir))
		if err != nil {
			return err
		}
		var failed error
		for _, path := range args {
			g, err := checkOne(path, trust, s)
			if err != nil {
				failed = errors.Join(failed, err)
				continue
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s: %s revision %d for %s: no problem found\n", path, g.Application, g.Revision, g.Caller)
		}
		return failed
	})
	cmd.Flags().StringVar(&dir, "rules", "rules", "folder of the rules bundle")
	cmd.Flags().StringVar(&trust, "trust", "", "public keys whose signature is wanted; empty: signatures are not checked")
	return cmd
}

func checkOne(path, trust string, s *rules.Snapshot) (access.Grant, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return access.Grant{}, err
	}
	body := policy.Body(text)
	if trust != "" {
		pem, err := os.ReadFile(trust)
		if err != nil {
			return access.Grant{}, err
		}
		trusted, err := policy.ParsePublicKeys(pem)
		if err != nil {
			return access.Grant{}, fmt.Errorf("%s: %w", trust, err)
		}
		if body, err = policy.Verify(text, trusted); err != nil {
			return access.Grant{}, fmt.Errorf("%s: %w", path, err)
		}
	}
	g, err := policy.ParseGrant(path, body)
	if err != nil {
		return access.Grant{}, err
	}
	return g, policy.CheckAgainst(path, g, s)
}

func grantSign() *cobra.Command {
	var keyFile string
	cmd := child("sign FILE…", "Signs grants with an Ed25519 key", cobra.MinimumNArgs(1), func(cmd *cobra.Command, args []string) error {
		key, err := readSigner(keyFile)
		if err != nil {
			return err
		}
		for _, path := range args {
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			if err := signOne(cmd.OutOrStdout(), path, text, key); err != nil {
				return err
			}
		}
		return nil
	})
	return withKey(cmd, &keyFile)
}

// signOne keeps the signatures of other keys, as two officers may both have to
// sign. It can't verify them without their public keys; the gate does.
func signOne(out io.Writer, path string, text []byte, key ed25519.PrivateKey) error {
	if _, err := policy.ParseGrant(filepath.Base(path), policy.Body(text)); err != nil {
		return err
	}
	before, err := policy.Signers(text)
	if err != nil {
		return fmt.Errorf("%s: %w; remove what stands behind the grant", path, err)
	}
	if err := replaceFile(path, policy.Sign(text, key), 0o644); err != nil {
		return err
	}
	own := policy.KeyID(key.Public().(ed25519.PublicKey))
	fmt.Fprintf(out, "%s signed by %s\n", path, own)
	for _, other := range before {
		if other != own {
			fmt.Fprintf(out, "%s: the signature of %s stays; it was not checked\n", path, other)
		}
	}
	return nil
}

func grantRevoke() *cobra.Command {
	var keyFile string
	cmd := child("revoke FILE", "Revokes a grant: raises its revision, marks it revoked and signs it", cobra.ExactArgs(1), func(cmd *cobra.Command, args []string) error {
		key, err := readSigner(keyFile)
		if err != nil {
			return err
		}
		text, err := os.ReadFile(args[0])
		if err != nil {
			return err
		}
		// Only what this key signed is revised: revoking must not sign a text
		// somebody else wrote.
		body, err := policy.Verify(text, []ed25519.PublicKey{key.Public().(ed25519.PublicKey)})
		if err != nil {
			return fmt.Errorf("%s: %w", args[0], err)
		}
		g, err := policy.ParseGrant(args[0], body)
		if err != nil {
			return err
		}
		g.Revision, g.Revoked = g.Revision+1, true
		revised := policy.FormatGrant(g)
		if _, err := policy.ParseGrant(args[0], revised); err != nil {
			return err // such as a revision that can't be raised
		}
		if err := replaceFile(args[0], policy.Sign(revised, key), 0o644); err != nil {
			return err
		}
		fmt.Fprintf(cmd.OutOrStdout(), "%s: %s revoked as revision %d\n", args[0], g.Application, g.Revision)
		return nil
	})
	return withKey(cmd, &keyFile)
}

func withKey(cmd *cobra.Command, keyFile *string) *cobra.Command {
	cmd.Flags().StringVar(keyFile, "key", "", "the signing key, as made by grant keygen")
	if err := cmd.MarkFlagRequired("key"); err != nil {
		panic(err) // a flag that does not exist is a mistake in this file
	}
	return cmd
}

func readSigner(path string) (ed25519.PrivateKey, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("%s may be read by others (mode %04o); run: chmod 600 %s", path, info.Mode().Perm(), path)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	key, err := policy.ParsePrivateKey(raw)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return key, nil
}
