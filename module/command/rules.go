package command

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"hukougate/module/plan"
	"hukougate/module/policy"
	"hukougate/module/rules"
	"hukougate/module/workbench"
)

func rulesCommand(cmd *cobra.Command) {
	family(cmd, "rules",
		child("check DIR", "Checks a bundle: schema, references, Casbin model and policy, masking plans", cobra.ExactArgs(1), rulesCheck),
		child("test DIR", "Runs the decision tests that lie beside the rules", cobra.ExactArgs(1), rulesTest),
	)
}

func rulesCheck(cmd *cobra.Command, args []string) error {
	s, err := rules.Load(os.DirFS(args[0]))
	if err != nil {
		return err
	}
	if _, err := policy.New(s, nil); err != nil {
		return err
	}
	if err := plan.Check(s); err != nil {
		return err
	}
	routes := 0
	for _, r := range s.Resources {
		routes += len(r.Routes)
	}
	fmt.Fprintf(cmd.OutOrStdout(), "%s: %d fields, %d purposes, %d roles, %d resources, %d routes, %d scopes, %d policy lines: no problem found\n",
		s.ID(), len(s.Fields), len(s.Purposes), len(s.Roles), len(s.Resources), routes, len(s.Scopes), len(s.Policies))
	return nil
}

func rulesTest(cmd *cobra.Command, args []string) error {
	report, err := workbench.Test(os.DirFS(args[0]))
	if err != nil {
		return err
	}
	for _, f := range report.Failures {
		fmt.Fprintln(cmd.OutOrStdout(), f)
	}
	fmt.Fprintf(cmd.OutOrStdout(), "%d passed, %d failed\n", report.Passed, len(report.Failures))
	if len(report.Failures) > 0 || report.Passed == 0 {
		return errors.New("the decision tests do not all pass")
	}
	return nil
}
