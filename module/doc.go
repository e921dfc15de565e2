// Package module holds no code: its folders are the rooms of the house, which
// README.md lists, and its test asserts who may import whom.
package module
