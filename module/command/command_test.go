package command

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"hukougate/module/mask"
	"hukougate/module/policy"
)

func run(t *testing.T, define func(*cobra.Command), args ...string) (string, error) {
	t.Helper()
	var cmd cobra.Command
	define(&cmd)
	var out bytes.Buffer
	cmd.SetOut(&out)
	cmd.SetErr(&out)
	cmd.SetArgs(args)
	err := cmd.Execute()
	return out.String(), err
}

func write(t *testing.T, path string, text []byte) {
	t.Helper()
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestSignKeepsOthersSignatures: two officers sign one grant, in any order and
// again; what is no signature is neither kept nor dropped without a word.
func TestSignKeepsOthersSignatures(t *testing.T) {
	dir := t.TempDir()
	var trusted []ed25519.PublicKey
	for _, name := range []string{"a", "b"} {
		if _, err := run(t, grantCommand, "keygen", filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
		pem, err := os.ReadFile(filepath.Join(dir, name+".pub"))
		if err != nil {
			t.Fatal(err)
		}
		key, err := policy.ParsePublicKeys(pem)
		if err != nil {
			t.Fatal(err)
		}
		trusted = append(trusted, key...)
	}
	signed, err := os.ReadFile("../../deploy/demo/grants/APP-2026-0003.yaml")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "g.yaml")
	write(t, file, policy.Body(signed))
	for _, name := range []string{"a", "b", "a"} {
		if out, err := run(t, grantCommand, "sign", file, "--key", filepath.Join(dir, name+".key")); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if signers, err := policy.Signers(text); err != nil || len(signers) != 2 {
		t.Errorf("signed by %v, %v, want both once", signers, err)
	}
	for i := range trusted {
		if _, err := policy.Verify(text, trusted[i:i+1]); err != nil {
			t.Errorf("to who trusts only key %d: %v", i, err)
		}
	}
	more := append(text, "role: registry_clerk\n"...)
	write(t, file, more)
	if _, err := run(t, grantCommand, "sign", file, "--key", filepath.Join(dir, "a.key")); !errors.Is(err, policy.ErrSignatureFormat) {
		t.Errorf("text behind the signatures: %v", err)
	}
	if after, err := os.ReadFile(file); err != nil || !bytes.Equal(after, more) {
		t.Errorf("the refused file was changed: %v", err)
	}
}

func TestRulesThatCannotBeMaskedDoNotPass(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "rules")
	if err := os.CopyFS(dir, os.DirFS("../../rules")); err != nil {
		t.Fatal(err)
	}
	if out, err := run(t, rulesCommand, "check", dir); err != nil || !strings.Contains(out, "no problem found") {
		t.Fatalf("%v: %s", err, out)
	}
	path := filepath.Join(dir, "resources.yaml")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	write(t, path, bytes.Replace(text, []byte("records: /data/list/*"), []byte("records: "+strings.Repeat("/a", 70)), 1))
	for _, command := range []string{"check", "test"} {
		if out, err := run(t, rulesCommand, command, dir); !errors.Is(err, mask.ErrSpec) || !strings.Contains(err.Error(), `route "resident-lookup"`) {
			t.Errorf("%s: %v %s", command, err, out)
		}
	}
}
