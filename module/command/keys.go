package command

import (
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"hukougate/module/identity"
	"hukougate/module/keys"
)

func keysCommand(cmd *cobra.Command) {
	family(cmd, "keys", child("new FILE", "Makes a key file with one random version of every key the gate needs", cobra.ExactArgs(1),
		func(cmd *cobra.Command, args []string) error {
			if err := keys.CreateFile(args[0]); err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s made; whoever can read it can undo pseudonyms and forge API keys\n", args[0])
			return nil
		}))
}

func callersCommand(cmd *cobra.Command) {
	var keyFile string
	apikey := child("apikey ID", "Makes an API key and the line for the callers file", cobra.ExactArgs(1), func(cmd *cobra.Command, args []string) error {
		ring, err := keys.OpenFile(keyFile)
		if err != nil {
			return err
		}
		pepper, err := ring.Current(context.Background(), keys.APIKeyPepper)
		if err != nil {
			return err
		}
		key, hash, err := identity.NewAPIKey(args[0], pepper)
		if err != nil {
			return err
		}
		fmt.Fprintf(cmd.OutOrStdout(), "key for the caller, shown once: %s\nline for api_keys in the callers file: - {id: %s, pepper: %d, hash: %s}\n", key, args[0], pepper.Version(), hash)
		return nil
	})
	apikey.Flags().StringVar(&keyFile, "keys", "", "the gate's key file")
	if err := apikey.MarkFlagRequired("keys"); err != nil {
		panic(err) // a flag that does not exist is a mistake in this file
	}
	family(cmd, "callers", apikey, child("check FILE", "Checks a callers file", cobra.ExactArgs(1), func(cmd *cobra.Command, args []string) error {
		data, err := os.ReadFile(args[0])
		if err != nil {
			return err
		}
		if _, err := identity.LoadDirectory(args[0], data); err != nil {
			return err
		}
		fmt.Fprintf(cmd.OutOrStdout(), "%s: no problem found\n", args[0])
		return nil
	}))
}
