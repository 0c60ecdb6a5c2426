package bench

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cidbench/cidbench/bench/machine"
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
		Code: Code(), CPU: machine.CPU(), Cores: runtime.NumCPU(), Backend: r.Backend.String(),
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

//go:embed *.go */*.go
var source embed.FS

// Code is the digest of the source of the engine and the methods, tests left out. It goes into manifests as
// provenance: what decides whether a run is the same are the versions in its key.
var Code = sync.OnceValue(func() string {
	h := sha256.New()
	err := fs.WalkDir(source, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := source.ReadFile(path)
		fmt.Fprintf(h, "file %s, %d bytes\n%s", path, len(text), text)
		return err
	})
	if err != nil {
		panic(err) // embedded files can be read
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil))
})
