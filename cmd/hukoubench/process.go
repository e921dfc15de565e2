package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// stopGrace is longer than the gate's own patience with requests on their way.
const stopGrace = 15 * time.Second

// process is a running child, known by its id.
type process struct {
	name   string
	cmd    *exec.Cmd
	output string // file that holds what it wrote to stdout and stderr
	exited chan struct{}
}

// start runs a command as a child that dies with this process. What it writes
// goes to a file in dir.
func start(cmd *exec.Cmd, dir, name string) (*process, error) {
	p := &process{name: name, cmd: cmd, output: filepath.Join(dir, name+".output"), exited: make(chan struct{})}
	f, err := os.Create(p.output)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	cmd.Stdout, cmd.Stderr, cmd.SysProcAttr = f, f, childAttributes()
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	go func() { _ = cmd.Wait(); close(p.exited) }() // its exit code is read from ProcessState
	return p, nil
}

// stop ends the child as an operator would, then by force. It may be called
// twice.
func (p *process) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // one that ended already needs none
	select {
	case <-p.exited:
	case <-time.After(stopGrace):
		_ = p.cmd.Process.Kill()
		<-p.exited
	}
}

// running returns an error with the end of its output when the child has ended.
func (p *process) running() error {
	select {
	case <-p.exited:
		return fmt.Errorf("%s ended by itself (%s)%s", p.name, p.cmd.ProcessState, p.lastOutput())
	default:
		return nil
	}
}

// lastOutput is the end of what the child wrote, for an error message.
func (p *process) lastOutput() string {
	const most = 2000
	text, err := os.ReadFile(p.output)
	if err != nil || len(text) == 0 {
		return ""
	}
	return ":\n" + string(text[max(0, len(text)-most):])
}

// freePorts finds ports of loopback that nobody listens on, all different.
// Another program may take one first; what should listen there then fails and
// says so.
func freePorts(n int) ([]int, error) {
	ports := make([]int, n)
	for i := range ports {
		l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			return nil, err
		}
		defer l.Close() // after all are found, so that none is found twice
		ports[i] = l.Addr().(*net.TCPAddr).Port
	}
	return ports, nil
}
