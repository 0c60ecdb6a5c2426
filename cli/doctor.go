package cli

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/bench/backend"
	"github.com/cidbench/cidbench/bench/machine"
	"github.com/cidbench/cidbench/registry"
)

// diagnosis is what doctor finds.
type diagnosis struct {
	Program   string            `json:"program"`
	Go        string            `json:"go"`
	Platform  string            `json:"platform"`
	Processor string            `json:"processor"`
	Offers    string            `json:"offers"`  // the widest vector instructions of the processor that could be used
	Vectors   string            `json:"vectors"` // those that this build uses
	Limits    machine.Limits    `json:"limits"`
	NVIDIA    string            `json:"nvidia"` // what shows a card
	Plugins   []*backend.Plugin `json:"plugins"`
	Python    *backend.Python   `json:"python,omitempty"`
	NoPython  string            `json:"noPython,omitempty"`
	Store     registry.Standing `json:"store"`
	Auto      choice            `json:"auto"`
}

// choice is what --backend auto takes.
type choice struct {
	Backend string `json:"backend"`
	Why     string `json:"why"`
}

func newDoctor(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Show processor, plugins, store, and what auto would take",
		Long: `Shows what training would run on here: processor and vector instructions, cores and memory with a container's
limits, the XLA plugins that are found - each is tried in a process of its own -, Python with the packages that
cidbench is compared with, the store, and which backend auto would take and why. It changes nothing.`,
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		d, err := a.diagnose(cmd.Context())
		if err != nil {
			return err
		}
		var unreached error
		if d.Store, unreached = registry.Reach(cmd.Context(), a.Store); unreached != nil {
			d.Store.Reason = unreached.Error()
			if unreached = fmt.Errorf("--store: %w", unreached); !errors.Is(unreached, registry.ErrUnavailable) && !errors.Is(unreached, registry.ErrCorrupt) {
				unreached = usagef("%w", unreached)
			}
		}
		if a.json {
			err = a.printJSON("doctor", d)
		} else {
			a.printDiagnosis(d)
		}
		return cmp.Or(err, unreached)
	}
	a.addStore(cmd)
	a.addJSON(cmd)
	return cmd
}

// diagnose looks at all but the store.
func (a *app) diagnose(ctx context.Context) (diagnosis, error) {
	d := diagnosis{
		Program: strings.TrimSpace(a.Name + " " + bench.Version + " " + bench.Commit), Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH,
		Processor: machine.CPU(), Offers: machine.Offers(), Vectors: machine.Vectors(), Limits: machine.Now(), NVIDIA: backend.NVIDIA(),
	}
	var err error
	if d.Python, err = backend.AskPython(ctx); err != nil {
		d.NoPython = err.Error()
	}
	d.Plugins = backend.Find(d.Python)
	if err := backend.Try(ctx, d.Plugins...); err != nil {
		return d, err
	}
	taken, err := backend.Auto(ctx, d.Plugins)
	d.Auto = choice{taken.String(), taken.Note}
	return d, err
}

func (c *Console) printDiagnosis(d diagnosis) {
	c.printf("%s, %s, %s\n", d.Program, d.Go, d.Platform)
	c.printf("PROCESSOR\n  %s\n", cmp.Or(d.Processor, "its name is not known"))
	switch {
	case d.Vectors == "" && d.Offers != "":
		c.printf("  it offers %s, which this build does not use: training on go takes several times longer; `make` builds with GOEXPERIMENT=simd\n", d.Offers)
	case d.Vectors == "":
		c.printf("  no vector instructions that the go backend could use\n")
	default:
		c.printf("  this build uses %s\n", d.Vectors)
	}
	limits := fmt.Sprintf("%d cores", d.Limits.Cores)
	if d.Limits.Quota > 0 {
		limits += fmt.Sprintf(", of which the container gives %.3g", d.Limits.Quota)
	}
	if d.Limits.Memory > 0 {
		limits += fmt.Sprintf("; %s of memory, %s available", gibibytes(d.Limits.Memory), gibibytes(d.Limits.Available))
	}
	if d.Limits.MemoryLimit > 0 {
		limits += fmt.Sprintf(", of which the container gives %s", gibibytes(d.Limits.MemoryLimit))
	}
	c.printf("  %s\nNVIDIA CARD\n  %s\n", limits, cmp.Or(d.NVIDIA, "none shows"))
	c.printf("XLA PLUGINS\n")
	if len(d.Plugins) == 0 {
		c.printf("  none found\n")
	}
	for _, p := range d.Plugins {
		c.printf("  xla:%-7s %s\n", p.Name, p.Path)
		if p.Package != "" {
			c.printf("      from the wheel %s\n", p.Package)
		}
		if p.Reason != "" {
			c.printf("      cannot be used: %s\n", p.Reason)
			continue
		}
		c.printf("      works: %s; devices: %s\n", p.Label(), strings.Join(p.Devices, ", "))
	}
	c.printf("PYTHON\n")
	if d.Python == nil {
		c.printf("  %s\n", d.NoPython)
	} else {
		python := d.Python.Version + ", " + d.Python.Executable
		for _, peer := range []string{"torch", "jax"} {
			python += "; " + peer + " " + cmp.Or(d.Python.Packages[peer], "is not installed")
		}
		c.printf("  %s\n", python)
	}
	c.printf("STORE\n")
	switch s := d.Store; {
	case !s.Registry && !s.Writable:
		c.printf("  %s\n", s.Reason)
	case !s.Writable:
		c.printf("  %s %s, %s; cannot be written to: %s\n", s.Kind, s.Place, registered(s), s.Reason)
	default:
		c.printf("  %s %s, %s; can be written to\n", s.Kind, s.Place, registered(s))
	}
	c.printf("BACKEND\n  auto takes %s\n  %s\n", d.Auto.Backend, d.Auto.Why)
}

func registered(s registry.Standing) string {
	if s.Registry {
		return "holds a registry"
	}
	return "no registry yet, which the first run makes"
}

func gibibytes(bytes int64) string { return fmt.Sprintf("%.1f GiB", float64(bytes)/(1<<30)) }

func newBackend(a *app) *cobra.Command {
	return group(&cobra.Command{Use: "backend", Short: "Install a backend"},
		group(&cobra.Command{Use: "install", Short: "Install an XLA plugin"}, newInstallCPU(a)))
}

func newInstallCPU(a *app) *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use:   "cpu",
		Short: "Install XLA's CPU plugin, as go-xla's installer does",
		RunE: func(cmd *cobra.Command, _ []string) error {
			install, err := backend.CPUInstall()
			if err != nil {
				return usagef("%w", err)
			}
			a.Say(fmt.Sprintf("This downloads XLA's CPU plugin %s, some hundred megabytes,\n  from %s (go-xla publishes no digest to check it by)\n  to   %s, where %s finds it.", install.Version, install.From, install.To, a.Name))
			if !yes {
				if err := a.consent(); err != nil {
					return err
				}
			}
			p, err := install.Do(cmd.Context())
			if err != nil {
				return err
			}
			a.printf("installed %s at %s; --backend xla:cpu takes it\n", p.Label(), p.Path)
			return nil
		},
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "do it without asking")
	return cmd
}

// consent asks on a terminal; elsewhere nobody can be asked.
func (c *Console) consent() error {
	if file, ok := c.Stdin.(*os.File); !ok || !term.IsTerminal(int(file.Fd())) {
		return usagef("nothing is downloaded without consent: give --yes")
	}
	fmt.Fprint(c.Stderr, "Go on? [y/N] ")
	answer, _ := bufio.NewReader(c.Stdin).ReadString('\n') // the end of the input is a no
	if answer = strings.ToLower(strings.TrimSpace(answer)); answer != "y" && answer != "yes" {
		return usagef("nothing was downloaded")
	}
	return nil
}
