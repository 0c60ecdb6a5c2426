// Package cli is the command line of a catalogue of experiments: commands, flags, progress and exit codes. A
// command takes its options from flags and has package study do the work. It knows no paper: the program for
// another one is its catalogue and a call of Main.
package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/bench/dataset"
	"github.com/cidbench/cidbench/bench/dataset/fetch"
	"github.com/cidbench/cidbench/bench/embeddings"
	"github.com/cidbench/cidbench/bench/encoderfile"
	"github.com/cidbench/cidbench/bench/tensorfile"
	"github.com/cidbench/cidbench/registry"
	"github.com/cidbench/cidbench/registry/store"
	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/report/write"
	"github.com/cidbench/cidbench/study"
)

// Console is all that a command may touch of the world.
type Console struct {
	Catalogue *bench.Catalogue
	Name      string // of the program in what it prints; empty means cidbench
	Args      []string
	Getenv    func(string) string // nil: nothing is set
	Stdin     io.Reader
	Stdout    io.Writer // the result
	Stderr    io.Writer // progress and errors
	// Terminal says that Stderr is one: progress may redraw itself.
	Terminal bool
	// Quiet leaves out progress and notes; errors are told all the same.
	Quiet bool
	// Text fits text to Stdout, if that is a terminal.
	Text write.TextOptions
	// Screen is Stdout as a terminal; nil if it is none, or one that cannot be drawn on.
	Screen Screen
}

// Main runs the program of a catalogue on the process's arguments and streams, and returns its exit code.
func Main(catalogue *bench.Catalogue) int {
	// Training allocates a working set of some hundred megabytes again and again; collecting it less often
	// saves about 5% of the time.
	debug.SetGCPercent(400)
	ctx, cancel := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 3)
	signal.Notify(signals, stopping...)
	go func() { os.Exit(heed(signals, cancel, os.Stderr)) }()
	c := &Console{
		Catalogue: catalogue, Name: strings.TrimSuffix(filepath.Base(os.Args[0]), ".exe"), Args: os.Args[1:], Getenv: os.Getenv,
		Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
	}
	width, _, err := term.GetSize(int(os.Stdout.Fd()))
	c.fit(err == nil, width, term.IsTerminal(int(os.Stderr.Fd())))
	if err == nil && c.capable() {
		c.Screen = terminal{os.Stdin, os.Stdout}
	}
	return c.Run(ctx)
}

// fit fits what is printed to where it goes: to a terminal of so many columns, or to none, and progress to one or to none.
func (c *Console) fit(terminal bool, width int, progress bool) {
	c.Terminal = progress && c.capable()
	if terminal {
		c.Text = write.TextOptions{Width: width, Colour: c.capable() && c.env("NO_COLOR") == ""}
	} else if width, err := strconv.Atoi(c.env("COLUMNS")); err == nil && width >= 40 {
		c.Text.Width = width
	}
}

// capable says whether a terminal can be drawn on.
func (c *Console) capable() bool { return c.env("TERM") != "dumb" }

// addConsole adds the flags that every command has.
func (a *app) addConsole(root *cobra.Command) {
	colour := oneOf{value: "auto", words: []string{"auto", "always", "never"}}
	f := root.PersistentFlags()
	f.BoolVarP(&a.Quiet, "quiet", "q", false, "no progress and no notes on stderr, errors alone")
	f.Var(&colour, "color", "colours in text: auto (on a terminal, unless NO_COLOR is set), always or never")
	root.PersistentPreRun = func(*cobra.Command, []string) {
		if colour.value != "auto" {
			a.Text.Colour = colour.value == "always"
		}
	}
}

// oneOf is the value of a flag that is one of some words.
type oneOf struct {
	value string
	words []string
}

func (v *oneOf) Type() string   { return "string" }
func (v *oneOf) String() string { return v.value }

func (v *oneOf) Set(text string) error {
	if !slices.Contains(v.words, text) {
		return bench.Unknown("choice", text, v.words)
	}
	v.value = text
	return nil
}

// Run runs the command that Args name, and returns the exit code.
func (c *Console) Run(ctx context.Context) int {
	c.Name = cmp.Or(c.Name, "cidbench")
	if err := c.Catalogue.Validate(); err != nil {
		fmt.Fprintf(c.Stderr, "%s: the catalogue of experiments is not valid: %v\n", c.Name, err)
		return exitInternal
	}
	out := &told{Writer: c.Stdout}
	c.Stdout = out
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	a := &app{Console: c, stop: stop, Options: study.Options{Program: c.Name, Command: c.command(), Observer: c}}
	err := newRoot(a).ExecuteContext(store.WithNotices(ctx, c.Say))
	if cause := context.Cause(ctx); cause != nil && errors.Is(err, context.Canceled) {
		err = cause
	}
	if out.err != nil && (err == nil || err.Error() == "") {
		err = fmt.Errorf("the output is not whole: %w", out.err)
	}
	if err != nil && err.Error() != "" {
		fmt.Fprintf(c.Stderr, "%s: %s\n", c.Name, store.PrintableLines(err.Error()))
	}
	return exitCode(err)
}

// places are the flags whose values are nobody's business but the user's.
var places = []string{"--store", "--base", "--evidence", "--data-dir", "--data"}

// command is what the user typed without places; of the file of a tier its name is left.
func (c *Console) command() []string {
	command := []string{c.Name}
	for i := 0; i < len(c.Args); i++ {
		name, value, joined := strings.Cut(c.Args[i], "=")
		switch {
		case slices.Contains(places, name) && joined:
		case slices.Contains(places, name):
			i++
		case name == "--tier" && joined:
			command = append(command, name+"="+filepath.Base(value))
		case i > 0 && c.Args[i-1] == "--tier":
			command = append(command, filepath.Base(c.Args[i]))
		default:
			command = append(command, c.Args[i])
		}
	}
	return command
}

// examples are commands of this program, for help texts.
func (c *Console) examples(commands ...string) string {
	lead := "  " + c.Name + " "
	return lead + strings.Join(commands, "\n"+lead)
}

// env is the value of an environment variable, empty if it is not set.
func (c *Console) env(name string) string {
	if c.Getenv == nil {
		return ""
	}
	return c.Getenv(name)
}

// Say prints a line on stderr, unless nobody wants to know.
func (c *Console) Say(line string) {
	if !c.Quiet {
		fmt.Fprintln(c.Stderr, store.PrintableLines(line))
	}
}

// counter shows how far a long command is: a line every few seconds, on stderr.
func (c *Console) counter(what string) func(done, total int) {
	last := time.Now()
	return func(done, total int) {
		if now := time.Now(); now.Sub(last) >= 5*time.Second || done == total && now.Sub(last) >= time.Second {
			last = now
			c.Say(fmt.Sprintf("%s: %d of %d", what, done, total))
		}
	}
}

// The exit codes, which help exit-codes explains; those of verdicts are the report's.
const (
	exitSupported   = model.ExitSupported
	exitInternal    = 1
	exitUsage       = 2
	exitNothing     = model.ExitNothing
	exitIntegrity   = 6
	exitUnavailable = 7
	exitDrift       = 8
	exitTerminated  = 75
	exitInterrupted = 130
)

// exitHelp is the help topic exit-codes.
const exitHelp = `What the program ends with:
    0  done; for verify: every selected claim is supported, or the machinery
       works, in a tier that only checks that
    1  internal error, or the output cannot be written
    2  usage; also a --store that is no registry and can be none, or too little
       memory for a tier
    3  at least one claim is refuted
    4  none is refuted, at least one is inconclusive; in a tier that only checks
       the machinery: a run failed or is missing
    5  runs, artifacts or files are missing: nothing to judge
    6  integrity failure (digest, schema, data set, unreadable files)
    7  the registry cannot be reached or written, or a data set not downloaded
    8  drift: the last night raised an alarm
   75  stopped by SIGTERM, SIGHUP, SIGUSR1 or --time-limit after a checkpoint:
       run the same command again
  130  interrupted by the user (SIGINT) after a checkpoint: likewise

The first signal stops a training at the next step, and a probe or an analysis
in its midst, writes a checkpoint and gives leases back; a second one changes
nothing, and a third ends the program at once.`

var (
	errInterrupted = coded{exitInterrupted, "interrupted; finished runs and checkpoints are kept, the same command goes on from there"}
	errTimeLimit   = coded{exitTerminated, "the time limit is reached; finished runs and checkpoints are kept, the same command goes on from there"}
	errTerminated  = coded{exitTerminated, "terminated; finished runs and checkpoints are kept, the same command goes on from there"}
)

// coded is an error with an exit code of its own. An empty message exits silently: the output said it all.
type coded struct {
	code    int
	message string
}

func (c coded) Error() string { return c.message }

// usagef makes an error of what the user typed.
func usagef(format string, args ...any) error {
	return study.UsageError{Err: fmt.Errorf(format, args...)}
}

func exitCode(err error) int {
	var c coded
	switch {
	case err == nil:
		return exitSupported
	case errors.As(err, &c):
		return c.code
	case errors.As(err, new(study.UsageError)):
		return exitUsage
	case errors.Is(err, registry.ErrCorrupt), errors.Is(err, registry.ErrConflict), errors.Is(err, dataset.ErrDigest), errors.Is(err, dataset.ErrFiles),
		errors.As(err, new(embeddings.InputError)), errors.Is(err, encoderfile.ErrFormat), errors.Is(err, tensorfile.ErrFormat):
		return exitIntegrity
	case errors.Is(err, registry.ErrUnavailable), errors.Is(err, fetch.ErrUnavailable):
		return exitUnavailable
	case errors.As(err, new(study.NothingError)), errors.Is(err, registry.ErrNotExist), errors.Is(err, fs.ErrNotExist):
		return exitNothing
	}
	return exitInternal
}
