//go:build !linux

package main

import (
	"errors"
	"os"
	"syscall"
	"time"
)

// Elsewhere a process's processor time and fdatasync(2) can't be had in the
// same way, and figures that lack them would not compare.
func supported() error {
	return errors.New("measures on Linux only: run it in a container or a virtual machine")
}

func childAttributes() *syscall.SysProcAttr { return nil }

func cpuTime(int) (time.Duration, error) { return 0, supported() }

func datasync(*os.File) error { return supported() }

func inMemory(string) (bool, error) { return false, supported() }
