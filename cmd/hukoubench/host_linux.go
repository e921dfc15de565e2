package main

import (
	"fmt"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

func supported() error { return nil }

// childAttributes let a child die with this process, whatever ends it, and keep
// the terminal's Ctrl-C from it: this process ends it in its own order.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
}

// cpuTime is the time all threads of a process have spent on a processor so
// far, ended threads included. The clock of another process is named as
// clock_getcpuclockid(3) does it: the complement of its id, shifted over the
// three bits of the clock's kind, CPUCLOCK_SCHED.
func cpuTime(pid int) (time.Duration, error) {
	const cpuClockSched = 2
	var t unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|cpuClockSched), &t); err != nil {
		return 0, fmt.Errorf("processor time of process %d: %w", pid, err)
	}
	return time.Duration(t.Nano()), nil
}

// datasync makes written data durable (fdatasync(2)).
func datasync(f *os.File) error {
	return os.NewSyscallError("fdatasync", unix.Fdatasync(int(f.Fd())))
}

// inMemory reports whether a folder is on a file system that no disk stands behind.
func inMemory(dir string) (bool, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return false, os.NewSyscallError("statfs", err)
	}
	return int64(s.Type) == unix.TMPFS_MAGIC || int64(s.Type) == unix.RAMFS_MAGIC, nil
}
