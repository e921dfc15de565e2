//go:build race

package ledger

// flipsPerByte is kept to one under the race detector, which makes the verifier
// about ten times slower and has nothing to find in it.
const flipsPerByte = 1
