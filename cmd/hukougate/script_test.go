package main

import (
	"os"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// scriptCommands are what the scripts in testdata need beside testscript's own:
//
//	copydir FROM TO          copies a folder
//	replace FILE OLD NEW     replaces a text that stands in the file once
//	removeline FILE TEXT     removes the one line that holds the text
//	lineof VAR FILE TEXT     sets VAR to the number of the one line that holds the text
var scriptCommands = map[string]func(*testscript.TestScript, bool, []string){
	"copydir": func(ts *testscript.TestScript, neg bool, args []string) {
		arguments(ts, neg, args, 2)
		ts.Check(os.CopyFS(ts.MkAbs(args[1]), os.DirFS(ts.MkAbs(args[0]))))
	},
	"replace": func(ts *testscript.TestScript, neg bool, args []string) {
		arguments(ts, neg, args, 3)
		text := ts.ReadFile(args[0])
		if n := strings.Count(text, args[1]); n != 1 {
			ts.Fatalf("%q stands %d times in %s, want once", args[1], n, args[0])
		}
		ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(strings.Replace(text, args[1], args[2], 1)), 0o600))
	},
	"removeline": func(ts *testscript.TestScript, neg bool, args []string) {
		arguments(ts, neg, args, 2)
		lines := strings.SplitAfter(ts.ReadFile(args[0]), "\n")
		at := theLine(ts, lines, args[0], args[1])
		ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(strings.Join(append(lines[:at], lines[at+1:]...), "")), 0o600))
	},
	"lineof": func(ts *testscript.TestScript, neg bool, args []string) {
		arguments(ts, neg, args, 3)
		lines := strings.SplitAfter(ts.ReadFile(args[1]), "\n")
		ts.Setenv(args[0], strconv.Itoa(theLine(ts, lines, args[1], args[2])+1))
	},
}

func arguments(ts *testscript.TestScript, neg bool, args []string, want int) {
	if neg || len(args) != want {
		ts.Fatalf("wants %d arguments and no !", want)
	}
}

// theLine finds the index of the one line that holds a text.
func theLine(ts *testscript.TestScript, lines []string, file, text string) int {
	found := -1
	for i, line := range lines {
		if !strings.Contains(line, text) {
			continue
		}
		if found >= 0 {
			ts.Fatalf("%q stands on lines %d and %d of %s", text, found+1, i+1, file)
		}
		found = i
	}
	if found < 0 {
		ts.Fatalf("no line of %s holds %q", file, text)
	}
	return found
}
