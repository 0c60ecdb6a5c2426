package backend

import (
	"cmp"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/gomlx/go-xla/compute/xla"
	"github.com/gomlx/go-xla/pjrt"
)

// Plugin is a library that may be a PJRT plugin, and once it was tried, what came of it.
type Plugin struct {
	// Name is what --backend xla:NAME calls it: "cpu", "cuda13". Several may have the same.
	Name string `json:"name"`
	Path string `json:"path"` // absolute
	// Package is the Python wheel that it is from, with its version: "jax-cuda13-pjrt 0.12.0"; else empty.
	Package string `json:"package,omitempty"`
	// Kind is the platform, "cpu" or "cuda"; what the name promises, until the plugin itself has said it.
	Kind string `json:"kind"`
	// API is the version of the PJRT C API that it speaks: "0.112".
	API string `json:"api,omitempty"`
	// Version is what the plugin says of itself.
	Version string   `json:"version,omitempty"`
	Devices []string `json:"devices,omitempty"`
	// Card is the GPU with its driver, "NVIDIA H200, driver 580.65.06", where its driver's tool says so.
	Card string `json:"card,omitempty"`
	// Reason is why it cannot be used; empty if it can.
	Reason string `json:"reason,omitempty"`
}

// Label names the plugin with its versions and without its place: "cpu, lammps-jax-pjrt-cpu 0.11.2, PJRT 0.112".
func (p *Plugin) Label() string {
	file := p.Path
	if resolved, err := filepath.EvalSymlinks(p.Path); err == nil { // go-xla links the newest version
		file = resolved
	}
	label := p.Kind + ", " + cmp.Or(p.Package, filepath.Base(file))
	if p.API != "" {
		label += ", PJRT " + p.API
	}
	return label
}

// The plugins must be there already: nothing is downloaded behind the user's back.
func init() { xla.EnableAutoInstall(false) }

// pluginEnv names the environment variable with the only folders where go-xla looks for plugins.
const pluginEnv = pjrt.PJRTPluginPathsEnv

// wheels are the PJRT plugins on PyPI, the faster ones of a kind first: distribution and file below site-packages.
var wheels = []struct{ name, distribution, file string }{
	{"cuda13", "jax-cuda13-pjrt", "jax_plugins/xla_cuda13/xla_cuda_plugin.so"},
	{"cuda12", "jax-cuda12-pjrt", "jax_plugins/xla_cuda12/xla_cuda_plugin.so"},
	{"cpu", "lammps-jax-pjrt-cpu", "lammps_jax_pjrt_cpu/pjrt_c_api_cpu_plugin.so"},
	{"cpu", "fastatomstruct-xla-cpu", "fastatomstruct_xla_cpu/libpjrt_cpu.so"},
	{"cpu", "xla-cpu-pjrt", "xla_plugins/xla_cpu_pjrt/xla_cpu_pjrt.so"},
}

// libraryName matches the files that go-xla takes for plugins.
var libraryName = regexp.MustCompile(`^(?:pjrt_c_api_(.+)_plugin|pjrt[-_]plugin[-_](.+))\.(?:so|dylib)$`)

// Find lists what may be a plugin, without opening any: in the folders of PJRT_PLUGIN_LIBRARY_PATH, and nowhere else if
// that is set; in those where go-xla installs; in those of LD_LIBRARY_PATH; and in the wheels of a Python, which may
// be nil. A file that has several names is listed once.
func Find(python *Python) []*Plugin {
	all := []*Plugin{}
	seen := map[string]bool{}
	add := func(p *Plugin) {
		file, err := filepath.EvalSymlinks(p.Path)
		if err == nil && !seen[file] {
			seen[file] = true
			all = append(all, p)
		}
	}
	for _, folder := range folders() {
		files, _ := os.ReadDir(folder) // or none
		for _, file := range files {
			if name := libraryName.FindStringSubmatch(file.Name()); name != nil {
				add(named(cmp.Or(name[1], name[2]), filepath.Join(folder, file.Name())))
			}
		}
	}
	if _, only := os.LookupEnv(pluginEnv); only || python == nil {
		return all
	}
	for _, wheel := range wheels {
		for _, site := range python.Path {
			p := named(wheel.name, filepath.Join(site, filepath.FromSlash(wheel.file)))
			if version := python.Packages[wheel.distribution]; version != "" {
				p.Package = wheel.distribution + " " + version
			}
			add(p)
		}
	}
	return all
}

// folders are those that hold plugins as go-xla names them; only absolute ones, since a plugin is opened by its path.
func folders() (all []string) {
	if only, ok := os.LookupEnv(pluginEnv); ok {
		all = filepath.SplitList(only)
	} else {
		if library := userLibrary(); library != "" {
			all = append(all, filepath.Join(library, "go-xla"), filepath.Join(library, "go-xla", "nvidia"))
		}
		all = append(all, "/usr/local/lib/go-xla", "/usr/local/lib/go-xla/nvidia")
		all = append(all, filepath.SplitList(os.Getenv("LD_LIBRARY_PATH"))...)
	}
	return slices.DeleteFunc(all, func(folder string) bool { return !filepath.IsAbs(folder) })
}

func named(name, path string) *Plugin { return &Plugin{Name: name, Path: path, Kind: kindOf(name)} }

// kindOf guesses the platform from a name.
func kindOf(name string) string {
	for _, kind := range []string{"cuda", "cpu"} {
		if strings.Contains(strings.ToLower(name), kind) {
			return kind
		}
	}
	return name
}

// at is the plugin at an absolute path, one of those that were found or another.
func at(path string, found []*Plugin) *Plugin {
	for _, p := range found {
		if p.Path == path {
			return p
		}
	}
	file := filepath.Base(path)
	if name := libraryName.FindStringSubmatch(file); name != nil {
		return named(cmp.Or(name[1], name[2]), path)
	}
	return named(strings.TrimSuffix(file, filepath.Ext(file)), path)
}

// open loads the plugin into this process, which ends if the plugin crashes: try it first. Both kinds of options are
// those of go-xla. Errors: go-xla's.
func (p *Plugin) open(flags string, options pjrt.NamedValuesMap) (*xla.Backend, error) {
	name, err := p.register()
	if err != nil {
		return nil, err
	}
	return xla.NewWithOptions(name+",notf32"+flags, options) // products in TF32 would rank negatives otherwise
}

var _ interface{ IsCUDA() bool } = (*xla.Backend)(nil) // by which package nn knows a GPU
