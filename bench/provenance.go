package bench

import (
	"bufio"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/cidbench/cidbench/registry"
)

// Version of cidbench, and the commit it was built from; the Makefile sets both.
var (
	Version = "devel"
	Commit  = ""
	Dirty   = "" // "true" if the source differed from Commit
)

// numericModules are the libraries that runs compute with.
var numericModules = []string{"github.com/gomlx/compute", "github.com/gomlx/gomlx", "github.com/gomlx/go-xla", "gonum.org/v1/gonum"}

// provenance describes this process; the caller adds what the run took.
func (r *Runner) provenance(started time.Time) registry.Provenance {
	p := registry.Provenance{
		Command: r.Command, Started: started.UTC().Truncate(time.Millisecond),
		Tool: "cidbench " + Version, Commit: Commit, Dirty: Dirty == "true",
		GoVersion: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH,
		Code: Code(), CPU: cpu(), Cores: runtime.NumCPU(), Backend: r.Backend.String(),
		Modules: map[string]string{},
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return p
	}
	for _, s := range info.Settings {
		switch {
		case Commit != "": // the Makefile knows better
		case s.Key == "vcs.revision":
			p.Commit = s.Value
		case s.Key == "vcs.modified":
			p.Dirty = s.Value == "true"
		}
	}
	for _, m := range info.Deps {
		if m.Replace != nil {
			m = m.Replace
		}
		if slices.Contains(numericModules, m.Path) {
			p.Modules[m.Path] = m.Version
		}
	}
	return p
}

// cpu is the processor with the vector instructions that are used of it: "AMD EPYC, AVX-512".
func cpu() string {
	named := slices.DeleteFunc([]string{cpuModel(), Vectors()}, func(s string) bool { return s == "" })
	return strings.Join(named, ", ")
}

// cpuModel is the processor's own name where the system tells it (Linux).
func cpuModel() string {
	f, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return ""
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if name, value, ok := strings.Cut(lines.Text(), ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
