package main

import (
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain lets the test binary be the program itself, so that scripts and
// crash tests run the real main under the race detector.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"hukougate": main})
}

// TestScripts runs the command line as testdata/*.txtar write it.
func TestScripts(t *testing.T) {
	root, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		RequireExplicitExec: true,
		Cmds:                scriptCommands,
		Setup: func(e *testscript.Env) error {
			e.Setenv("ROOT", root+"/../..")
			return nil
		},
	})
}
