package judge

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/registry"
	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/report/words"
)

// provenance counts what the report rests on by code, commit and machine: the runs of the claims and of the
// sweeps that are shown, and the analyses. Hosts and the commands of runs are left out: reports are
// published, and names of places are nobody's business.
func (m *matrix) provenance(shown []model.Sweep) model.Provenance {
	cells := slices.Clone(m.Cells)
	for _, sweep := range m.Sweeps {
		if slices.ContainsFunc(shown, func(s model.Sweep) bool { return s.ID == sweep.ID }) {
			cells = append(cells, sweep.Cells...)
		}
	}
	used := map[string]registry.Manifest{}
	code, sources, machines := map[model.Code]int{}, map[model.Commit]int{}, map[model.Machine]int{}
	for _, cell := range cells {
		id := cell.Spec.ID()
		if m.Night != (bench.Night{}) && cell.Seed < bench.FirstNightSeed {
			continue // without a seed it is the run of an earlier night, or of none
		}
		if run, ok := m.Runs[id]; ok && used[id].Run == "" {
			used[id] = run.Manifest
			code[model.Code{Digest: run.Manifest.Provenance.Code}]++
		}
	}
	for _, run := range m.Analyses {
		used[run.Spec.ID()] = run.Manifest
		code[model.Code{Digest: run.Manifest.Provenance.Code, Analyses: true}]++
	}
	p := model.Provenance{Command: m.Command, Evidence: evidence(used), Used: len(used), Analyses: len(m.Analyses)}
	joules := 0.0
	for _, id := range slices.Sorted(maps.Keys(used)) { // sums of floats depend on the order
		from := used[id].Provenance
		sources[model.Commit{Tool: from.Tool, Commit: from.Commit, Dirty: from.Dirty}]++
		machines[machine(from)]++
		p.WallHours += from.WallSeconds / 3600
		if from.Joules > 0 {
			p.Metered++
			joules += from.Joules
		}
	}
	if p.Metered > 0 {
		const joulesPerKilowattHour = 3.6e6
		energy := joules / joulesPerKilowattHour
		p.KilowattHours = &energy
	}
	p.Code = counted(code, func(c *model.Code, n int) string {
		c.Runs = n
		return fmt.Sprint(c.Analyses, c.Digest)
	})
	p.Sources = counted(sources, func(c *model.Commit, n int) string {
		c.Runs = n
		return fmt.Sprint(c.Commit, c.Tool, c.Dirty)
	})
	p.Machines = counted(machines, func(m *model.Machine, n int) string {
		m.Runs = n
		return fmt.Sprintf("%s %6d %s %s %s %s", m.CPU, m.Cores, m.OS, m.Arch, m.Go, m.Backend)
	})
	return p
}

// counted lists what was counted. set gives each its number, and returns what they are ordered by.
func counted[T comparable](counts map[T]int, set func(*T, int) string) []T {
	byOrder := map[string]T{}
	for x, n := range counts {
		order := set(&x, n)
		byOrder[order] = x
	}
	all := []T{}
	for _, order := range slices.Sorted(maps.Keys(byOrder)) {
		all = append(all, byOrder[order])
	}
	return all
}

func machine(p registry.Provenance) model.Machine {
	return model.Machine{
		CPU: words.OneLine(p.CPU), Cores: p.Cores, OS: p.OS, Arch: p.Arch, Go: p.GoVersion, Backend: words.OneLine(p.Backend),
	}
}

// evidence hashes one line for each run and analysis, sorted by id: the id, its result digest, and for an
// analysis the digest of its counts, separated by spaces.
func evidence(used map[string]registry.Manifest) registry.Digest {
	var text strings.Builder
	for _, id := range slices.Sorted(maps.Keys(used)) {
		text.WriteString(id + " " + string(used[id].ResultDigest))
		if counts, ok := used[id].Artifacts[bench.CountsArtifact]; ok {
			text.WriteString(" " + string(counts.Digest))
		}
		text.WriteString("\n")
	}
	return registry.DigestOf([]byte(text.String()))
}
