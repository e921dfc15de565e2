package ledger

import "fmt"

// FaultKind says what is wrong with a ledger.
type FaultKind string

// The kinds of fault.
const (
	Tampered    FaultKind = "tampered"     // bytes are not as they were written
	Missing     FaultKind = "missing"      // a record or a file is gone
	Torn        FaultKind = "torn"         // the last write never finished; Open sets its bytes aside
	UnknownFile FaultKind = "unknown_file" // something in the directory is not the ledger's
)

// Fault is the first thing found wrong, and where. Its message quotes no value
// of a record.
type Fault struct {
	File   string    // name within the directory
	Line   int       // from 1; 0 when the fault is no line's
	Offset int64     // bytes before the line in File
	Seq    uint64    // record concerned; 0 when none is
	Kind   FaultKind // what is wrong
	Detail string    // one sentence without a full stop
}

func (f *Fault) Error() string {
	where := f.File
	if f.Line > 0 {
		where = fmt.Sprintf("%s, line %d, byte offset %d", f.File, f.Line, f.Offset)
	}
	if f.Seq == 0 {
		return fmt.Sprintf("ledger: %s (%s): %s", f.Kind, where, f.Detail)
	}
	return fmt.Sprintf("ledger: record %d %s (%s): %s", f.Seq, f.Kind, where, f.Detail)
}
