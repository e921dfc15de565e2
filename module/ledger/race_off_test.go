//go:build !race

package ledger

const flipsPerByte = 4
