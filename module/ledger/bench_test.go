package ledger

import (
	"context"
	"path/filepath"
	"runtime"
	"testing"
)

// BenchmarkAppend measures durable appends by 64 concurrent writers.
func BenchmarkAppend(b *testing.B) {
	l, err := Open(filepath.Join(b.TempDir(), "ledger"), Options{Gateway: "gate-1", ReserveBytes: 1})
	if err != nil {
		b.Fatal(err)
	}
	r := fullAccess()
	b.SetParallelism(max(1, 64/runtime.GOMAXPROCS(0)))
	b.SetBytes(int64(maxHead + len(encodeBody(&r))))
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := l.Append(context.Background(), r); err != nil {
				b.Error(err)
				return
			}
		}
	})
	if err := l.Close(); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkVerify measures the verifier per record.
func BenchmarkVerify(b *testing.B) {
	r := fullAccess()
	r.Gateway = "gate-1"
	line, _ := appendLine(nil, 1, genesis, encodeBody(&r))
	b.SetBytes(int64(len(line)))
	for b.Loop() {
		if _, _, _, err := parseLine(line[:len(line)-1]); err != nil {
			b.Fatal(err)
		}
	}
}
