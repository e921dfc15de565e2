package command

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"hukougate/module/demo"
)

func demoCommand(cmd *cobra.Command) {
	var o demo.Options
	cmd.Use = "demo"
	cmd.Args = cobra.NoArgs
	cmd.Flags().BoolVar(&o.Tour, "tour", false, "run the requests, compare every value with the rules, and end")
	cmd.Flags().StringVar(&o.Dir, "dir", "", "a new folder to keep rules, grants, keys and ledger in; empty: a temporary one")
	cmd.Flags().IntVar(&o.Port, "port", 0, "port of the gate on loopback; 0: 8443, or a free one")
	cmd.RunE = action(func(cmd *cobra.Command, _ []string) error {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		defer stop()
		o.Out = cmd.OutOrStdout()
		o.Color = o.Out == os.Stdout && term.IsTerminal(int(os.Stdout.Fd())) && os.Getenv("NO_COLOR") == ""
		return demo.Run(ctx, o)
	})
}
