package main

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
)

// Side is one way to do some work: a program that reads a Job and then requests, in so many processes at a time.
type Side struct {
	Name      string
	Program   []string
	Job       Job
	Processes int
}

// running are its processes.
type running struct {
	Side
	processes []*process
}

// process is one of them, in a process group of its own, so that it is stopped with all that it has started.
type process struct {
	cmd   *exec.Cmd
	in    io.WriteCloser
	out   *bufio.Reader
	said  *strings.Builder
	hello Hello
}

// start starts the processes of a side and waits until they have done their first work. The context ends them.
func (s Side) start(ctx context.Context) (_ *running, err error) {
	r := &running{Side: s}
	defer func() {
		if err != nil {
			r.close()
		}
	}()
	for range s.Processes {
		p, err := begin(ctx, s)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.Name, err)
		}
		r.processes = append(r.processes, p)
	}
	return r, r.each(func(p *process) error { return p.read(&p.hello) })
}

func begin(ctx context.Context, s Side) (*process, error) {
	p := &process{cmd: exec.CommandContext(ctx, s.Program[0], s.Program[1:]...), said: &strings.Builder{}}
	// Settings of OpenBLAS that this machine may need elsewhere slow the peer down.
	p.cmd.Env = slices.DeleteFunc(os.Environ(), func(e string) bool {
		return strings.HasPrefix(e, "OPENBLAS_CORETYPE=") || strings.HasPrefix(e, "OPENBLAS_L2_SIZE=")
	})
	threads := strconv.Itoa(s.Job.Threads)
	p.cmd.Env = append(p.cmd.Env, "GOMAXPROCS="+threads, "OMP_NUM_THREADS="+threads, "TORCHINDUCTOR_COMPILE_THREADS=1")
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	p.cmd.Cancel = func() error { return syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL) }
	p.cmd.Stderr = p.said
	in, noIn := p.cmd.StdinPipe()
	out, noOut := p.cmd.StdoutPipe()
	if err := cmp.Or(noIn, noOut); err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	p.in, p.out = in, bufio.NewReader(out)
	return p, json.NewEncoder(p.in).Encode(s.Job)
}

// read reads a line of what the process answers. That it answers none is an error with what it said last.
func (p *process) read(v any) error {
	line, err := p.out.ReadBytes('\n')
	if err != nil {
		_ = p.cmd.Wait() // until all is there that it said
		said := strings.TrimSpace(p.said.String())
		return fmt.Errorf("it ended: %s", said[max(0, len(said)-2000):])
	}
	return json.Unmarshal(line, v)
}

// each does something for all processes at the same time.
func (r *running) each(do func(*process) error) error {
	errs := make([]error, len(r.processes))
	var wait sync.WaitGroup
	for i, p := range r.processes {
		wait.Go(func() { errs[i] = do(p) })
	}
	wait.Wait()
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("%s: %w", r.Name, err)
	}
	return nil
}

// ask gives all processes the same request, at the same time, and puts their answers together.
func (r *running) ask(request Request) (all Answer, err error) {
	answers := make([]Answer, len(r.processes))
	at := map[*process]*Answer{}
	for i, p := range r.processes {
		at[p] = &answers[i]
	}
	err = r.each(func(p *process) error {
		if err := json.NewEncoder(p.in).Encode(request); err != nil {
			return err
		}
		if err := p.read(at[p]); err != nil {
			return err
		}
		if at[p].Error != "" {
			return errors.New(at[p].Error)
		}
		return nil
	})
	for _, a := range answers {
		all.MS, all.Losses = append(all.MS, a.MS...), append(all.Losses, a.Losses...)
		all.Parts, all.Look = a.Parts, a.Look // only one process at a time is asked for them
	}
	return all, err
}

// groups are the process groups of the side.
func (r *running) groups() (all []int) {
	for _, p := range r.processes {
		all = append(all, p.cmd.Process.Pid)
	}
	return all
}

// signal stops the processes, or lets them go on.
func (r *running) signal(s syscall.Signal) error {
	return r.each(func(p *process) error { return syscall.Kill(-p.cmd.Process.Pid, s) })
}

// close ends the processes.
func (r *running) close() {
	for _, p := range r.processes {
		_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL) // or it has ended
		_ = p.cmd.Wait()
	}
}
