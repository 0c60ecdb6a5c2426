package study

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/png"
	"io"
	"maps"
	"slices"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/bench/analysis"
	"github.com/cidbench/cidbench/bench/dataset"
	"github.com/cidbench/cidbench/report"
)

// extent is how far a report reaches.
type extent struct {
	seeds int
	cells []bench.Cell
	// looks are the planned ones, and stopped says why the last of them were left out.
	looks   []int
	stopped string
}

func (s *Study) whole() extent { return extent{seeds: s.seeds, cells: s.cells, looks: s.looks} }

// Report judges what the registry holds.
func (s *Study) Report(ctx context.Context) (*report.Report, error) {
	return s.report(ctx, s.whole())
}

func (s *Study) report(ctx context.Context, to extent) (*report.Report, error) {
	in, err := s.input(ctx, to)
	if err != nil {
		return nil, err
	}
	return report.Build(in)
}

// Input reads what a report is built from.
func (s *Study) Input(ctx context.Context) (report.Input, error) { return s.input(ctx, s.whole()) }

func (s *Study) input(ctx context.Context, to extent) (report.Input, error) {
	cells := s.everyCell(to.cells)
	runs, err := report.Load(ctx, s.reg, cells)
	if err != nil {
		return report.Input{}, err
	}
	stored, err := bench.Analyses(ctx, s.reg, cells, s.tier.Analysis, s.env)
	if err != nil {
		return report.Input{}, err
	}
	analyses, err := report.LoadAnalyses(ctx, s.reg, stored)
	if err != nil {
		return report.Input{}, err
	}
	return report.Input{
		Catalogue: s.catalogue, Tier: s.tier, Claims: s.claims, Seeds: to.seeds, Cells: to.cells, Runs: runs,
		Looks: to.looks, Stopped: to.stopped,
		Sweeps: s.sweeps(), Analyses: analyses, Classes: s.classNames(), Picture: s.picture,
		Command: s.command(to.seeds),
	}, nil
}

// WriteEvidence writes the runs and analyses that a report is built from, as a file that can be opened as a
// registry.
func (s *Study) WriteEvidence(ctx context.Context, w io.Writer, in report.Input) error {
	ids := slices.Collect(maps.Keys(in.Runs))
	for _, a := range in.Analyses {
		ids = append(ids, a.Spec.ID())
	}
	return s.reg.WriteEvidence(ctx, w, ids, analysis.CountsType)
}

// sweeps lists the sweeps with their cells, as far as their usual seeds.
func (s *Study) sweeps() (all []report.SweepInput) {
	for _, sweep := range s.catalogue.Sweeps {
		cells := s.catalogue.SweepMatrix(s.tier, sweep, sweep.Seeds, s.pinned, s.env)
		all = append(all, report.SweepInput{Sweep: sweep, Seeds: sweep.Seeds, Cells: cells})
	}
	return all
}

// everyCell adds the cells of all sweeps, each run once.
func (s *Study) everyCell(cells []bench.Cell) []bench.Cell {
	for _, sweep := range s.sweeps() {
		cells = union(cells, sweep.Cells)
	}
	return cells
}

// union adds the cells that are no run yet.
func union(cells, more []bench.Cell) []bench.Cell {
	all, seen := slices.Clone(cells), map[string]bool{}
	for _, cell := range all {
		seen[cell.Spec.ID()] = true
	}
	for _, cell := range more {
		if id := cell.Spec.ID(); !seen[id] {
			seen[id] = true
			all = append(all, cell)
		}
	}
	return all
}

func (s *Study) classNames() (names []string) {
	for _, c := range s.data.Classes {
		names = append(names, c.Name)
	}
	return names
}

// picture draws a training image, of which analyses are made, as PNG.
func (s *Study) picture(index int) []byte {
	pixels := s.data.Train.Image(index)
	picture := image.NewNRGBA(image.Rect(0, 0, s.data.Width, s.data.Height))
	for i := range s.data.Width * s.data.Height {
		copy(picture.Pix[4*i:], pixels[dataset.Channels*i:][:dataset.Channels])
		picture.Pix[4*i+3] = 0xff
	}
	var out bytes.Buffer
	if err := png.Encode(&out, picture); err != nil {
		panic(err) // a buffer takes everything
	}
	return out.Bytes()
}

// command is how to get the same report again.
func (s *Study) command(seeds int) string {
	command := fmt.Sprintf("%s verify --tier %s --seeds ", s.opts.Program, s.tier.ID)
	if s.looks == nil {
		command += fmt.Sprint(seeds)
	} else {
		command += fmt.Sprintf("auto --max-seeds %d", s.opts.Looks.Max)
	}
	for _, claim := range s.opts.Claims {
		command += " --claim " + claim
	}
	return command
}
