package mask

import (
	"fmt"
	"strings"
	"testing"

	"hukougate/module/access"
)

// sixtyKB is a list of 40 records of about 1.5 KB, as a register sends them.
func sixtyKB() []byte {
	var b strings.Builder
	for i := range 40 {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"RYID":"%032d","GMSFHM":"11010518%02d1231%03dX","XM":"张三丰","XB":"1","MZ":"01","CSRQ":"18801231"`, i, i, i)
		for j := range 30 {
			fmt.Fprintf(&b, `,"DZ%02d":"北京市朝阳区某某街道%d号院"`, j, j)
		}
		b.WriteByte('}')
	}
	return []byte(inList(b.String()))
}

func BenchmarkRewrite(b *testing.B) {
	spec := residents()
	for j := range 15 {
		spec.Members = append(spec.Members, Member{fmt.Sprintf("DZ%02d", j), fmt.Sprintf("address_%02d", j), pass})
	}
	spec.Members = append(spec.Members, Member{"DZ20", "current_address", access.Transform{Kind: access.Keep, First: 6}})
	p, k, body := compiled(b, spec), testKeys(b), sixtyKB()
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.Rewrite(body, k); err != nil {
			b.Fatal(err)
		}
	}
}
