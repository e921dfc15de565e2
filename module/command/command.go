// Package command adds this product's commands to Caddy's own command line:
// rules, grant, keys, callers and demo. Importing it registers them.
package command

import (
	"errors"
	"fmt"
	"os"
	"strings"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"

	"hukougate/module/strictyaml"
)

func init() {
	for _, c := range []caddycmd.Command{
		{Name: "rules", Short: "Checks and tests a rules bundle", CobraFunc: rulesCommand},
		{Name: "grant", Short: "Makes, checks, signs and revokes grants of approved applications", CobraFunc: grantCommand},
		{Name: "keys", Short: "Makes a key file", CobraFunc: keysCommand},
		{Name: "callers", Short: "Checks a callers file and makes API keys", CobraFunc: callersCommand},
		{Name: "demo", Short: "Starts a gate before a synthetic registry and shows what to try", CobraFunc: demoCommand},
	} {
		caddycmd.RegisterCommand(c)
	}
}

// action adapts a function to cobra: its error is printed once, by Caddy's main,
// and the exit code is 1.
func action(f func(cmd *cobra.Command, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		cmd.SilenceUsage = true
		return f(cmd, args)
	}
}

// child makes a subcommand.
func child(use, short string, args cobra.PositionalArgs, f func(*cobra.Command, []string) error) *cobra.Command {
	return &cobra.Command{Use: use, Short: short, Args: args, RunE: action(f)}
}

// family makes a command that only holds others. Without a known one of them it
// fails: cobra's own answer, the help text and exit code 0, would let a mistyped
// `rules chekc` pass for a check.
func family(cmd *cobra.Command, use string, children ...*cobra.Command) {
	cmd.Use = use
	cmd.AddCommand(children...)
	var names []string
	for _, c := range children {
		names = append(names, c.Name())
	}
	cmd.Args = cobra.ArbitraryArgs
	cmd.RunE = action(func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return fmt.Errorf("%s needs one of: %s", use, strings.Join(names, ", "))
		}
		return fmt.Errorf("%s: unknown command %q%s", use, args[0], strictyaml.Hint(args[0], names))
	})
}

// writeNew writes a file that must not exist yet.
func writeNew(path string, data []byte, mode os.FileMode) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, werr := f.Write(data)
	return errors.Join(werr, f.Sync(), f.Close())
}

// replaceFile writes a file whole or not at all: a gate watching it must never
// read half a grant.
func replaceFile(path string, data []byte, mode os.FileMode) error {
	temporary := path + ".new"
	if err := writeNew(temporary, data, mode); err != nil {
		return err
	}
	if err := os.Rename(temporary, path); err != nil {
		return fmt.Errorf("%w (the new text is in %s)", err, temporary)
	}
	return nil
}
