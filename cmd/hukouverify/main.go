// Command hukouverify checks a ledger offline: no gateway, no secret, no network.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"hukougate/module/ledger"
)

const usage = `usage: hukouverify [-known NUMBER:HASH] DIR

Checks every byte of the ledger in DIR and changes nothing.
-known names a record and its hash noted earlier, which must still be there.
Exit status: 0 intact, 1 not intact, 2 wrong use or DIR could not be read.
`

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("hukouverify", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	var o ledger.VerifyOptions
	flags.Func("known", "", func(s string) (err error) {
		o.Known, err = parsePosition(s)
		return err
	})
	err := flags.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(stdout, usage)
		return 0
	}
	if err != nil || flags.NArg() != 1 {
		fmt.Fprint(stderr, usage)
		return 2
	}
	report, err := ledger.Verify(flags.Arg(0), o)
	var fault *ledger.Fault
	switch {
	case errors.As(err, &fault):
		fmt.Fprintf(stderr, "NOT INTACT. %v.\n%d records were verified before it was found.\n", fault, report.Records)
		fmt.Fprintf(stderr, "校验未通过：%s\n", inChinese(fault))
		return 1
	case err != nil:
		fmt.Fprintf(stderr, "NOT CHECKED. %v\n未能校验：无法读取台账。\n", err)
		return 2
	}
	printReport(stdout, report)
	return 0
}

func parsePosition(s string) (ledger.Position, error) {
	number, hash, _ := strings.Cut(s, ":")
	seq, err := strconv.ParseUint(number, 10, 64)
	if err != nil || seq == 0 || len(hash) != 64 {
		return ledger.Position{}, errors.New("not NUMBER:HASH")
	}
	return ledger.Position{Seq: seq, Hash: strings.ToLower(hash)}, nil
}

func printReport(w io.Writer, r ledger.Report) {
	var kinds []string
	for _, k := range r.Kinds {
		if k.Count > 0 {
			kinds = append(kinds, fmt.Sprintf("%s %d", k.Kind, k.Count))
		}
	}
	fmt.Fprintf(w, "Intact: no byte of these records was changed, and none before the last is missing.\n")
	fmt.Fprintf(w, "  records    %d (%s)\n", r.Records, strings.Join(kinds, ", "))
	fmt.Fprintf(w, "  first      %s\n", r.FirstTime.Format(time.RFC3339Nano))
	fmt.Fprintf(w, "  last       %s\n", r.LastTime.Format(time.RFC3339Nano))
	fmt.Fprintf(w, "  size       %d bytes in %d segment files, %d torn files\n", r.Bytes, r.Segments, r.Torn)
	fmt.Fprintf(w, "  last hash  %d:%s\n", r.Last.Seq, r.Last.Hash)
	fmt.Fprintf(w, "Note the last hash elsewhere: only with it (-known) can records cut off at the end,\n")
	fmt.Fprintf(w, "or a wholly rewritten ledger, be told.\n")
	fmt.Fprintf(w, "校验通过：共 %d 条记录，未发现改动或中间缺失。\n", r.Records)
}

var chineseKinds = map[ledger.FaultKind]string{
	ledger.Tampered:    "内容被改动",
	ledger.Missing:     "有缺失",
	ledger.Torn:        "末次写入不完整",
	ledger.UnknownFile: "目录中有不属于台账的文件",
}

func inChinese(f *ledger.Fault) string {
	where := "文件 " + f.File
	if f.Line > 0 {
		where += fmt.Sprintf(" 第 %d 行（字节偏移 %d）", f.Line, f.Offset)
	}
	if f.Seq > 0 {
		return fmt.Sprintf("第 %d 条记录%s，%s。", f.Seq, chineseKinds[f.Kind], where)
	}
	return fmt.Sprintf("%s，%s。", chineseKinds[f.Kind], where)
}
