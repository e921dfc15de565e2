package main

import (
	"bufio"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// TestDemoLinesWork copies every curl line the demo prints into a shell, as a
// reader would.
func TestDemoLinesWork(t *testing.T) {
	cmd := exec.Command("hukougate", "demo", "--dir", t.TempDir()+"/demo")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil {
			t.Errorf("the demo did not end cleanly: %v", err)
		}
	}()
	lines := printedCommands(t, bufio.NewScanner(out))
	want := []string{"200", "200", "200", "401", "200"}
	if len(lines) != len(want) {
		t.Fatalf("the demo prints %d curl lines, want %d", len(lines), len(want))
	}
	for i, line := range lines {
		got, err := exec.Command("bash", "-c", line+` --write-out '\n%{http_code}'`).Output()
		if err != nil {
			t.Errorf("%s: %v", line, err)
			continue
		}
		text := string(got)
		if status := text[strings.LastIndex(text, "\n")+1:]; status != want[i] {
			t.Errorf("%s: status %s, want %s", line, status, want[i])
		}
		if want[i] == "200" && !strings.Contains(text, `"total":`) {
			t.Errorf("%s: no answer: %s", line, text)
		}
	}
}

// printedCommands reads the demo's output to its last line and returns the
// commands in it, continuation lines joined.
func printedCommands(t *testing.T, s *bufio.Scanner) []string {
	t.Helper()
	var commands []string
	open := false
	for s.Scan() {
		line := s.Text()
		switch {
		case open:
			commands[len(commands)-1] += "\n" + line
		case strings.HasPrefix(line, "curl "):
			commands = append(commands, line)
			open = true
		}
		open = open && strings.HasSuffix(line, `\`)
		if strings.HasPrefix(line, "End with Ctrl-C") {
			return commands
		}
	}
	t.Fatalf("the demo ended early: %v", s.Err())
	return nil
}
