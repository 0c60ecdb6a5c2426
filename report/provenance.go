package report

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/cidbench/cidbench/registry"
)

// provenance counts the runs by code, commit and machine. Hosts and the commands of runs are left out:
// reports are published, and names of places are nobody's business.
func (b *builder) provenance() {
	used := map[string]Run{}
	code, sources, machines := map[string]int{}, map[Commit]int{}, map[Machine]int{}
	p := &b.report.Provenance
	for _, cell := range b.in.Cells {
		id := cell.Spec.ID()
		run, ok := b.in.Runs[id]
		if _, counted := used[id]; !ok || counted {
			continue
		}
		used[id] = run
		from := run.Manifest.Provenance
		code[cell.Spec.Code]++
		sources[Commit{Tool: from.Tool, Commit: from.Commit, Dirty: from.Dirty}]++
		machines[machine(from)]++
		p.WallHours += from.WallSeconds / 3600
	}
	p.Command, p.Evidence = b.in.Command, evidence(used)
	p.Code, p.Sources, p.Machines = []Code{}, []Commit{}, []Machine{}
	for digest, n := range code {
		p.Code = append(p.Code, Code{digest, n})
	}
	for c, n := range sources {
		c.Runs = n
		p.Sources = append(p.Sources, c)
	}
	for m, n := range machines {
		m.Runs = n
		p.Machines = append(p.Machines, m)
	}
	slices.SortFunc(p.Code, func(a, b Code) int { return strings.Compare(a.Digest, b.Digest) })
	slices.SortFunc(p.Sources, func(a, b Commit) int {
		return cmp.Or(strings.Compare(a.Commit, b.Commit), strings.Compare(a.Tool, b.Tool), compareBool(a.Dirty, b.Dirty))
	})
	slices.SortFunc(p.Machines, func(a, b Machine) int {
		return cmp.Or(strings.Compare(a.CPU, b.CPU), cmp.Compare(a.Cores, b.Cores), strings.Compare(a.OS, b.OS),
			strings.Compare(a.Arch, b.Arch), strings.Compare(a.Go, b.Go), strings.Compare(a.Backend, b.Backend))
	})
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

func machine(p registry.Provenance) Machine {
	return Machine{
		CPU: oneLine(p.CPU), Cores: p.Cores, OS: p.OS, Arch: p.Arch, Go: p.GoVersion, Backend: oneLine(p.Backend),
	}
}

// evidence hashes one line for each run: its id, a space, its result digest; sorted by id.
func evidence(runs map[string]Run) registry.Digest {
	var text strings.Builder
	for _, id := range slices.Sorted(maps.Keys(runs)) {
		text.WriteString(id + " " + string(runs[id].Manifest.ResultDigest) + "\n")
	}
	return registry.DigestOf([]byte(text.String()))
}
