package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hukougate/module/access"
	"hukougate/module/ledger"
)

func build(t *testing.T) (dir string, last ledger.Position) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "ledger")
	l, err := ledger.Open(dir, ledger.Options{Gateway: "gate-1", SegmentBytes: 1000, ReserveBytes: 1})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 9 {
		last, err = l.Append(context.Background(), ledger.Record{
			Kind: ledger.KindRefusal, Receipt: fmt.Sprint("r", i), Reason: access.RouteUnknown, Status: 404,
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return dir, last
}

func flip(t *testing.T, path string, at int64) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var b [1]byte
	if _, err := f.ReadAt(b[:], at); err != nil {
		t.Fatal(err)
	}
	b[0] ^= 1
	if _, err := f.WriteAt(b[:], at); err != nil {
		t.Fatal(err)
	}
}

func TestRun(t *testing.T) {
	const first = "00000000000000000001.hukoulog"
	intact, last := build(t)
	changed, _ := build(t)
	flip(t, filepath.Join(changed, first), 200)
	stray, _ := build(t)
	if err := os.WriteFile(filepath.Join(stray, "notes"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	known := fmt.Sprintf("%d:%s", last.Seq, last.Hash)
	beyond := fmt.Sprintf("%d:%s", last.Seq+1, last.Hash)
	for name, tt := range map[string]struct {
		args []string
		exit int
		out  []string // in stdout, or in stderr when exit is not 0
	}{
		"intact":        {[]string{intact}, 0, []string{"10 (open 1, refusal 9)", known, "校验通过：共 10 条记录"}},
		"known":         {[]string{"-known", known, intact}, 0, []string{"Intact"}},
		"help":          {[]string{"-h"}, 0, []string{"usage"}},
		"changed":       {[]string{changed}, 1, []string{"record 1 tampered", first, "校验未通过：第 1 条记录内容被改动"}},
		"stray file":    {[]string{stray}, 1, []string{"unknown_file (notes)", "不属于台账"}},
		"cut off":       {[]string{"-known", beyond, intact}, 1, []string{"record 11 missing", "第 11 条记录有缺失"}},
		"empty":         {[]string{t.TempDir()}, 1, []string{"record 1 missing"}},
		"no directory":  {[]string{filepath.Join(intact, "absent")}, 2, []string{"NOT CHECKED", "未能校验"}},
		"no argument":   {nil, 2, []string{"usage"}},
		"two arguments": {[]string{intact, changed}, 2, []string{"usage"}},
		"unknown flag":  {[]string{"-x", intact}, 2, []string{"usage"}},
		"bad position":  {[]string{"-known", "ten", intact}, 2, []string{"usage"}},
		"short hash":    {[]string{"-known", "10:abc", intact}, 2, []string{"usage"}},
	} {
		var stdout, stderr bytes.Buffer
		exit := run(tt.args, &stdout, &stderr)
		said, silent := stdout.String(), stderr.String()
		if exit != 0 {
			said, silent = silent, said
		}
		if exit != tt.exit || silent != "" {
			t.Errorf("%s: exit %d, stdout %q, stderr %q", name, exit, stdout.String(), stderr.String())
		}
		for _, want := range tt.out {
			if !strings.Contains(said, want) {
				t.Errorf("%s: %q is not in %q", name, want, said)
			}
		}
	}
}

// TestEveryByte: a change of any byte of any segment gives exit 1.
func TestEveryByte(t *testing.T) {
	dir, _ := build(t)
	segments, err := filepath.Glob(filepath.Join(dir, "*.hukoulog"))
	if err != nil || len(segments) < 3 {
		t.Fatal(segments, err)
	}
	for _, path := range segments {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		for at := range info.Size() {
			flip(t, path, at)
			var stdout, stderr bytes.Buffer
			if exit := run([]string{dir}, &stdout, &stderr); exit != 1 {
				t.Fatalf("%s byte %d: exit %d", path, at, exit)
			}
			flip(t, path, at)
		}
	}
}
