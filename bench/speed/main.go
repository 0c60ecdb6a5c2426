// Command speed is make bench and make bench-gpu: what a training step takes, beside the same step in PyTorch, what its parts,
// arms and whole runs take, and how many pictures a second reach it, beside torchvision.
//
// Each side works in processes of its own. It is measured alone first, with nothing else of ours running; then the sides
// take turns, and those whose turn it is not are stopped. A ratio is the median of those of block medians, and is refused
// where a side took another time in turn than alone, or where the machine was busy with something else (fair.go). The table is on
// stdout; -json writes all figures to a file.
package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/cidbench/cidbench/bench/backend"
	"github.com/cidbench/cidbench/bench/machine"
)

//go:embed peer.py
var peerSource []byte

// workerMode is the argument that makes a process a worker.
const workerMode = "worker"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	var err error
	if slices.Equal(os.Args[1:], []string{workerMode}) {
		err = work(ctx, os.Stdin, os.Stdout)
	} else {
		err = run(ctx, os.Args[1:], os.Stdout)
	}
	stop()
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
	case errors.Is(err, errUsage):
		fmt.Fprintln(os.Stderr, "speed:", err)
		os.Exit(2)
	default:
		fmt.Fprintln(os.Stderr, "speed:", err)
		os.Exit(1)
	}
}

// errUsage is wrapped by errors of the command line.
var errUsage = errors.New("see -help")

// options are the command line.
type options struct {
	gpu      bool
	json     string
	python   string
	xla      string
	cidbench string
	sections []string
	networks []network
	queue    int
	length   Length
}

func parse(args []string) (o options, err error) {
	f := flag.NewFlagSet("speed", flag.ContinueOnError)
	f.BoolVar(&o.gpu, "gpu", false, "measure on a GPU")
	f.StringVar(&o.json, "json", "", "also write all figures to this `file`")
	f.StringVar(&o.python, "python", "", "`program` that has PyTorch (default: bin/peer/bin/python, python3)")
	f.StringVar(&o.xla, "xla", "", "--backend of cidbench besides go (default: CIDBENCH_XLA_PLUGIN, else xla:cpu; with -gpu xla:cuda)")
	f.StringVar(&o.cidbench, "cidbench", "bin/cidbench", "`program` of whole runs")
	only := f.String("sections", "", "only these, of "+strings.Join(names(), ","))
	networks := f.String("networks", "", "`list` of ResNets, each NAME:PIXELS:PRECISION:BATCH, such as resnet18:32:float32:64")
	f.IntVar(&o.queue, "queue", 65536, "negatives of a query in these and in the contrast by itself")
	f.IntVar(&o.length.Rounds, "rounds", 9, "rounds of blocks")
	f.IntVar(&o.length.Block, "block", 10, "steps of a block of the default tier; ResNets have a fifth")
	if err := f.Parse(args); errors.Is(err, flag.ErrHelp) {
		return o, err
	} else if err != nil {
		return o, fmt.Errorf("%w: %w", errUsage, err)
	}
	if f.NArg() > 0 || o.length.Rounds < 1 || o.length.Block < 1 || o.queue < 1 {
		return o, fmt.Errorf("%w: there are no arguments besides flags, and -rounds, -block and -queue are positive", errUsage)
	}
	if *only != "" {
		o.sections = strings.Split(*only, ",")
	}
	for _, name := range o.sections {
		if !slices.Contains(names(), name) {
			return o, fmt.Errorf("%w: -sections: %q is none of %s", errUsage, name, strings.Join(names(), ", "))
		}
	}
	if *networks == "" {
		*networks = "resnet18:32:float32:64"
		if o.gpu {
			*networks = "resnet18:32:float32:256,resnet18:32:bfloat16:256,resnet50:224:float32:128,resnet50:224:bfloat16:128"
		}
	}
	if o.queue%queries(o.queue) != 0 {
		return o, fmt.Errorf("%w: -queue %d is no multiple of the %d queries of the contrast by itself", errUsage, o.queue, queries(o.queue))
	}
	for text := range strings.SplitSeq(*networks, ",") {
		n, err := parseNetwork(text)
		if err != nil {
			return o, fmt.Errorf("%w: -networks: %w", errUsage, err)
		}
		if o.queue%n.batch != 0 {
			return o, fmt.Errorf("%w: -queue %d is no multiple of the batch of %s", errUsage, o.queue, text)
		}
		o.networks = append(o.networks, n)
	}
	return o, nil
}

// run measures and writes what it found.
func run(ctx context.Context, args []string, out io.Writer) error {
	o, err := parse(args)
	if err != nil {
		return err
	}
	if _, _, err := machineTime(); err != nil {
		return err
	}
	s := &session{options: o, report: Report{
		Machine: machine.CPU(), Cores: runtime.NumCPU(), Go: runtime.Version(), Notes: []string{stepNote},
	}}
	if s.dir, err = os.MkdirTemp("", "cidbench-speed-"); err != nil {
		return err
	}
	defer os.RemoveAll(s.dir)
	if err := s.find(ctx); err != nil {
		return err
	}
	return s.keep(s.measure(ctx), out)
}

// keep writes what was measured, and returns what failed: stopped before the end, it is worth something all the same.
func (s *session) keep(failed error, out io.Writer) error {
	if failed != nil {
		s.note("stopped before the end: %v", failed)
	}
	s.report.write(out)
	if s.json == "" {
		return failed
	}
	text, err := json.MarshalIndent(s.report, "", "  ")
	if err == nil {
		err = os.WriteFile(s.json, append(text, '\n'), 0o644)
	}
	return errors.Join(failed, err)
}

// measure measures the sections that were asked for.
func (s *session) measure(ctx context.Context) error {
	for _, section := range all {
		if (section.gpu || !s.gpu) && (len(s.sections) == 0 || slices.Contains(s.sections, section.name)) {
			if err := section.measure(s, ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// stepNote says what a step is, for the head of the report.
const stepNote = "A step has its two views of each image, on all sides: cidbench's from glyphs, PyTorch's from random images"

// find looks for the sides that this machine can run, and notes what it lacks.
func (s *session) find(ctx context.Context) (err error) {
	if s.program, err = os.Executable(); err != nil {
		return err
	}
	if !s.gpu && !machine.SIMD {
		s.note("NO SIMD: this was built without GOEXPERIMENT=simd, and go takes some ten times as long as it would; make bench builds it right")
	}
	wanted := s.xla
	if wanted == "" {
		wanted = "xla:cpu"
		if plugin := os.Getenv("CIDBENCH_XLA_PLUGIN"); s.gpu {
			wanted = "xla:cuda"
		} else if plugin != "" {
			wanted = "xla:" + plugin
		}
	}
	chosen, err := backend.Choose(ctx, wanted)
	switch {
	case err == nil:
		s.plugin = "xla:" + chosen.Plugin.Path
		s.note("xla is %s", chosen)
	case s.gpu || s.xla != "" || ctx.Err() != nil:
		return err
	default:
		s.note("no figures of XLA: %v", err)
	}
	s.device = "cpu"
	if s.gpu && chosen.Plugin.Kind == "cuda" {
		s.device = "cuda"
	} else if s.gpu {
		s.note("THIS IS NO GPU: the sides ran on the processor, to test the harness")
	}
	return s.findPeer(ctx)
}

// findPeer looks for a Python with PyTorch.
func (s *session) findPeer(ctx context.Context) error {
	pythons := []string{filepath.Join("bin", "peer", "bin", "python"), "python3", "/usr/bin/python3"}
	if s.python != "" {
		pythons = []string{s.python}
	}
	for _, python := range pythons {
		said, err := exec.CommandContext(ctx, python, "-c", "import torch").CombinedOutput()
		if err == nil {
			s.peer = []string{python, filepath.Join(s.dir, "peer.py")}
			return os.WriteFile(s.peer[1], peerSource, 0o600)
		}
		if s.python != "" {
			return fmt.Errorf("-python %s has no PyTorch that can be imported: %w\n%s", python, err, said)
		}
	}
	s.note("no peer: none of %s has PyTorch; make peer installs it below bin/", strings.Join(pythons, ", "))
	return ctx.Err()
}
