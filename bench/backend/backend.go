// Package backend is where graphs run: GoMLX's pure-Go backend, or XLA through a PJRT plugin. It finds the plugins of
// this machine, tries each in a process of its own, and chooses.
package backend

import (
	"github.com/cidbench/cidbench/bench/machine"
)

// Backend says where the graphs run.
type Backend struct {
	// Kind is "go" or "xla": it is part of a run's key.
	Kind string
	// Plugin is what XLA runs on; nil for go.
	Plugin *Plugin
	// GPUs are those to use, by their numbers; none: all. They mean nothing on a CPU.
	GPUs []int
	// Note says why this one was chosen, and what may surprise.
	Note string
}

// GPU says whether the graphs run on GPUs.
func (b Backend) GPU() bool { return b.Plugin != nil && b.Plugin.Kind != "cpu" }

// String describes the backend for a manifest: versions, the GPU with its driver, and no places.
func (b Backend) String() string {
	switch {
	case b.Kind == "xla" && b.Plugin.Card != "":
		return "xla:" + b.Plugin.Label() + ", " + b.Plugin.Card
	case b.Kind == "xla":
		return "xla:" + b.Plugin.Label()
	case machine.SIMD:
		return "go, SIMD"
	}
	return "go, no SIMD"
}
