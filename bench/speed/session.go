package main

import (
	"context"
	"fmt"
	"maps"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/bench/moco"
	"github.com/cidbench/cidbench/bench/negatives"
	"github.com/cidbench/cidbench/experiments"
)

// session measures section after section.
type session struct {
	options
	report  Report
	dir     string   // for files in passing
	program string   // this one, whose workers are the sides of cidbench
	plugin  string   // --backend of XLA; empty if there is none
	peer    []string // the peer's program; nil if there is none
	device  string   // the peer's
}

// all are the sections, in order; gpu are those that are measured on a GPU, too.
var all = []struct {
	name    string
	gpu     bool
	measure func(*session, context.Context) error
}{
	{"steps", false, (*session).steps},
	{"losses", true, (*session).losses},
	{"parts", true, (*session).parts},
	{"arms", false, (*session).arms},
	{"contrast", true, (*session).contrast},
	{"networks", true, (*session).resnets},
	{"views", false, (*session).viewRates},
	{"pictures", false, (*session).pictures},
	{"runs", false, (*session).runs},
}

func names() (names []string) {
	for _, section := range all {
		names = append(names, section.name)
	}
	return names
}

func (s *session) note(format string, args ...any) {
	s.report.Notes = append(s.report.Notes, fmt.Sprintf(format, args...))
}

func (s *session) log(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }

// ours and theirs are the sides.
var (
	ours   = []string{"go", "xla"}
	theirs = []string{"eager", "compiled"}
)

// sides are those of some names that this machine has.
func (s *session) sides(train moco.Config, processes, threads int, names ...string) (sides []Side) {
	for _, name := range names {
		side := Side{Name: name, Processes: processes, Program: []string{s.program, workerMode}, Job: Job{Train: train, Threads: threads, Work: Request{Work: stepWork}}}
		switch {
		case name == "go":
			side.Job.Backend = "go"
		case name == "xla" && s.plugin != "":
			side.Job.Backend = s.plugin
		case name != "xla" && s.peer != nil:
			side.Program, side.Job.Device, side.Job.Compile, side.Job.Pillow = s.peer, s.device, name == "compiled", name == "pillow"
		default:
			continue
		}
		sides = append(sides, side)
	}
	return sides
}

// compare measures the same work on several sides.
func (s *session) compare(ctx context.Context, title string, sides []Side, l Length) error {
	c := Comparison{Title: title, Processes: sides[0].Processes, Threads: sides[0].Job.Threads, Images: sides[0].Job.Work.Images}
	s.log("%s: %d x %d threads", title, c.Processes, c.Threads)
	var err error
	if c.Sides, c.InTurn, err = measure(ctx, sides, l, s.log); err != nil {
		return err
	}
	for _, of := range c.Sides {
		for _, to := range c.Sides {
			if slices.Contains(ours, of.Side) && !slices.Contains(ours, to.Side) {
				c.Ratios = append(c.Ratios, ratio(of, to, c.InTurn))
			}
		}
	}
	s.report.Comparisons = append(s.report.Comparisons, c)
	return nil
}

// tier is what the default tier trains.
func tier() moco.Config { return experiments.All.Tier("default").Train.(moco.Config) }

// steps are those of the default tier.
func (s *session) steps(ctx context.Context) error {
	cores := runtime.NumCPU()
	splits := [][2]int{{1, 1}}
	if cores > 1 {
		splits = append(splits, [2]int{1, 2}, [2]int{2, 1})
	}
	for _, split := range splits {
		if err := s.compare(ctx, "The default tier's step", s.sides(tier(), split[0], split[1], slices.Concat(ours, theirs)...), s.length); err != nil {
			return err
		}
	}
	return nil
}

// resnets are the steps of ResNets, and the share that the contrast has of them.
func (s *session) resnets(ctx context.Context) error {
	l := Length{s.length.Rounds, max(1, s.length.Block/5)}
	threads := []int{runtime.NumCPU()}
	if !s.gpu && threads[0] > 1 {
		threads = []int{1, 2}
	}
	for _, n := range s.networks {
		for _, t := range threads {
			sides := s.sides(n.train(s.queue), 1, t, "xla", "eager", "compiled")
			if len(sides) == 0 {
				continue
			}
			if err := s.compare(ctx, n.String(), sides, l); err != nil {
				return err
			}
		}
		section := fmt.Sprintf("Share of the contrast, %d negatives, in a step of %s", s.queue, n)
		err := s.each(ctx, n.train(s.queue), []string{"xla"}, func(r *running) error {
			for _, what := range ranked() {
				if err := s.cost(r, section, what.ID, Request{Work: contrastWork, Arm: what.Arm}, Request{Work: stepWork, Arm: what.Arm}, l); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// each starts sides with one thread, one after the other.
func (s *session) each(ctx context.Context, train moco.Config, names []string, do func(*running) error) error {
	for _, side := range s.sides(train, 1, 1, names...) {
		s.log("%s", side.Name)
		r, err := side.start(ctx)
		if err != nil {
			return err
		}
		err = do(r)
		r.close()
		if err != nil {
			return err
		}
	}
	return nil
}

// cost measures something in a process of a side, in turn with what it is compared with unless that has no work.
func (s *session) cost(r *running, section, what string, of, to Request, l Length) error {
	c := Cost{Section: section, What: what, Side: r.Name}
	if _, err := r.ask(of.times(1)); err != nil { // it is prepared, and compiled
		return err
	}
	if to.Work != "" {
		if _, err := r.ask(to.times(1)); err != nil {
			return err
		}
	}
	w, err := newWatch(r)
	if err != nil {
		return err
	}
	var samples, medians, others []float64
	for range l.Rounds {
		a, err := r.ask(of.times(l.Block))
		if err != nil {
			return err
		}
		samples, medians = append(samples, a.MS...), append(medians, quantile(a.MS, 0.5))
		if to.Work != "" {
			if a, err = r.ask(to.times(l.Block)); err != nil {
				return err
			}
			others = append(others, quantile(a.MS, 0.5))
		}
	}
	u, err := w.usage()
	if err != nil {
		return err
	}
	c.MS, c.Faults = figure(samples), u.faults("during "+section)
	if to.Work != "" && len(c.Faults) == 0 {
		against := quotient(medians, others)
		c.Against = &against
	}
	s.report.Costs = append(s.report.Costs, c)
	return nil
}

// arm is an arm that is trained.
type arm struct {
	ID string
	Arm
}

// trained are the arms that are trained. A rule that comes late is there from the first step.
func trained() (arms []arm) {
	for _, a := range experiments.All.Arms {
		if a.Features == bench.Trained {
			rules := slices.Clone(a.Rules)
			for i := range rules {
				rules[i].After = 0
			}
			arms = append(arms, arm{a.ID, Arm{rules, a.Temperature}})
		}
	}
	return arms
}

// ranked are one arm that ranks nothing and one that does.
func ranked() []arm {
	return []arm{{"all", Arm{}}, {"hardest5", Arm{Rules: []negatives.Rule{{Action: negatives.Keep, Pool: negatives.Hardest, Fraction: 0.05}}}}}
}

// arms measures what each arm costs against all negatives.
func (s *session) arms(ctx context.Context) error {
	return s.each(ctx, tier(), ours, func(r *running) error {
		for _, a := range trained() {
			l := Length{s.length.Rounds, max(1, s.length.Block/2)}
			if err := s.cost(r, "Step of an arm, against all negatives (one thread)", a.ID, Request{Work: stepWork, Arm: a.Arm}, Request{Work: stepWork}, l); err != nil {
				return err
			}
		}
		return nil
	})
}

// parts are those of the default tier's step, and on a GPU of those of ResNets.
func (s *session) parts(ctx context.Context) error {
	if !s.gpu {
		return s.partsOf(ctx, "a step", tier(), ours)
	}
	for _, n := range s.networks {
		if err := s.partsOf(ctx, "a step of "+n.String(), n.train(s.queue), []string{"xla"}); err != nil {
			return err
		}
	}
	return nil
}

// partsOf measures the parts of a step; on XLA all but the wait for the views is one graph.
func (s *session) partsOf(ctx context.Context, step string, train moco.Config, names []string) error {
	return s.each(ctx, train, names, func(r *running) error {
		w, err := newWatch(r)
		if err != nil {
			return err
		}
		a, err := r.ask(Request{Work: stepWork, N: s.length.Rounds * s.length.Block})
		if err != nil {
			return err
		}
		u, err := w.usage()
		if err != nil {
			return err
		}
		faults := u.faults("during the parts of a step")
		const whole = "whole step"
		took := map[string][]float64{whole: a.MS}
		maps.Copy(took, a.Parts)
		for _, part := range slices.Concat(moco.Parts, []string{whole}) {
			if len(took[part]) > 0 {
				s.report.Costs = append(s.report.Costs, Cost{Section: "Parts of " + step + " (one thread)", What: part, Side: r.Name, MS: figure(took[part]), Faults: faults})
			}
		}
		return nil
	})
}

// queries are those of the contrast by itself: a queue holds whole batches of them.
func queries(queue int) int { return min(256, queue) }

// contrast measures the contrast at 128 dimensions by itself, where it can be done.
func (s *session) contrast(ctx context.Context) error {
	train := tier()
	train.Encoder.Dim, train.Batch, train.Queue = 128, queries(s.queue), s.queue
	section := fmt.Sprintf("Contrast of %d queries with %d negatives of 128 dimensions (one thread)", train.Batch, s.queue)
	l := Length{max(1, s.length.Rounds/2), max(1, s.length.Block/5)}
	return s.each(ctx, train, ours, func(r *running) error {
		if r.Name == "xla" {
			if err := s.cost(r, section, "products with the queue, in the graph", Request{Work: productsWork}, Request{}, l); err != nil {
				return err
			}
		}
		for _, a := range ranked() {
			work, where := contrastWork, "products and contrast in the graph"
			if r.Name == "go" {
				work, where = hostWork, "contrast on the host"
			}
			if err := s.cost(r, section, where+", "+a.ID, Request{Work: work, Arm: a.Arm}, Request{}, l); err != nil {
				return err
			}
		}
		return nil
	})
}

// losses holds the first steps of the sides against each other.
func (s *session) losses(ctx context.Context) error {
	if !s.gpu {
		return s.agree(ctx, "the default tier", tier(), "go", "xla", "eager")
	}
	for _, n := range s.networks {
		if err := s.agree(ctx, n.String(), n.train(s.queue), "xla", "eager"); err != nil {
			return err
		}
	}
	return nil
}

// agree does the first steps on each side, from the same weights and views. Sides that differ do not do the same step, and
// that is an error.
func (s *session) agree(ctx context.Context, title string, train moco.Config, names ...string) error {
	l := Losses{Title: title, Of: map[string][]float64{}}
	err := s.each(ctx, train, names, func(r *running) error {
		a, err := r.ask(Request{Work: checkWork, N: 5, File: filepath.Join(s.dir, "check.safetensors")})
		l.Of[r.Name] = a.Losses
		return err
	})
	if err != nil {
		return err
	}
	s.report.Losses = append(s.report.Losses, l)
	allowed := 0.005
	if train.Encoder.Precision != "" {
		allowed = 0.05
	}
	for a, of := range l.Of {
		for b, other := range l.Of {
			for step := range of {
				if !(math.Abs(of[step]-other[step]) <= allowed*math.Abs(other[step])) {
					return fmt.Errorf("%s: %s and %s do not do the same step: losses %.5f and %.5f", title, a, b, of, other)
				}
			}
		}
	}
	return nil
}

// runs are whole processes: the smoke tier on each backend.
func (s *session) runs(ctx context.Context) error {
	for _, side := range s.sides(tier(), 1, 1, ours...) {
		s.log("%s: the smoke tier", side.Name)
		store, err := os.MkdirTemp(s.dir, "store")
		if err != nil {
			return err
		}
		cmd := exec.CommandContext(ctx, s.cidbench, "run", "--tier", "smoke", "--backend", side.Job.Backend, "--store", store)
		var said strings.Builder
		cmd.Stderr = &said
		w, err := newWatch()
		if err != nil {
			return err
		}
		start := time.Now()
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("%s: %w\n%s", strings.Join(cmd.Args, " "), err, said.String())
		}
		run := Run{What: "run --tier smoke --backend " + side.Name, Seconds: time.Since(start).Seconds()}
		run.CPU = (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds()
		run.Memory = cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss << 10
		u, err := w.usage()
		if err != nil {
			return err
		}
		run.Faults = u.faults("during the run")
		s.report.Runs = append(s.report.Runs, run)
	}
	return nil
}

// cardMemory is what is in use of the first GPU's memory, in bytes; 0 where no driver says so.
func cardMemory(ctx context.Context) int64 {
	text, err := exec.CommandContext(ctx, "nvidia-smi", "--id=0", "--query-gpu=memory.used", "--format=csv,noheader,nounits").Output()
	if err != nil {
		return 0
	}
	n, _ := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64) // MiB, or not known
	return n << 20
}
