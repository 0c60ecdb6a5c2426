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
	"github.com/cidbench/cidbench/bench/taxonomy"
	"github.com/cidbench/cidbench/report/judge"
	"github.com/cidbench/cidbench/report/model"
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
func (s *Study) Report(ctx context.Context) (*model.Report, error) {
	return s.report(ctx, s.whole())
}

func (s *Study) report(ctx context.Context, to extent) (*model.Report, error) {
	in, err := s.input(ctx, to)
	if err != nil {
		return nil, err
	}
	return judge.Build(in)
}

// Input reads what a report is built from.
func (s *Study) Input(ctx context.Context) (judge.Input, error) { return s.input(ctx, s.whole()) }

func (s *Study) input(ctx context.Context, to extent) (judge.Input, error) {
	cells := s.everyCell(to.cells)
	runs, err := Load(ctx, s.reg, cells)
	if err != nil {
		return judge.Input{}, err
	}
	stored, err := bench.Analyses(ctx, s.reg, cells, s.tier.Analysis, s.source.Tree(), s.env)
	if err != nil {
		return judge.Input{}, err
	}
	analyses, err := LoadAnalyses(ctx, s.reg, stored)
	if err != nil {
		return judge.Input{}, err
	}
	return judge.Input{
		Catalogue: s.catalogue, Tier: s.tier, Claims: s.claims, Seeds: to.seeds, Cells: to.cells, Runs: runs, Near: s.near(to.cells, runs), Notes: s.held.notes(),
		Looks: to.looks, Stopped: to.stopped,
		Sweeps: s.sweeps(), Analyses: analyses, Classes: taxonomy.Classes(s.source.Tree()), Picture: s.picture,
		Command: s.command(to.seeds), Program: s.opts.Program,
	}, nil
}

// WriteEvidence writes the runs and analyses that a report is built from, as a file that can be opened as a
// registry.
func (s *Study) WriteEvidence(ctx context.Context, w io.Writer, in judge.Input) error {
	ids := slices.Collect(maps.Keys(in.Runs))
	for _, a := range in.Analyses {
		ids = append(ids, a.Spec.ID())
	}
	return s.reg.WriteEvidence(ctx, w, ids, analysis.CountsType)
}

// sweeps lists the sweeps with their cells, as far as their usual seeds.
func (s *Study) sweeps() (all []judge.SweepInput) {
	for _, sweep := range s.catalogue.Sweeps {
		cells := s.catalogue.SweepMatrix(s.tier, sweep, sweep.Seeds, s.env)
		all = append(all, judge.SweepInput{Sweep: sweep, Seeds: sweep.Seeds, Cells: cells})
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

// picture draws a training image, of which analyses are made, as PNG; nil where the data are not at hand.
func (s *Study) picture(index int) []byte {
	data, err := s.data()
	if err != nil {
		return nil
	}
	pixels := data.Train.Buffer()
	if err := data.Train.Read(index, pixels); err != nil {
		return nil
	}
	picture := image.NewNRGBA(image.Rect(0, 0, data.Width, data.Height))
	for i := range data.Width * data.Height {
		copy(picture.Pix[4*i:], pixels[dataset.Channels*i:][:dataset.Channels])
		picture.Pix[4*i+3] = 0xff
	}
	var out bytes.Buffer
	if err := png.Encode(&out, picture); err != nil {
		panic(err) // a buffer takes everything
	}
	return out.Bytes()
}

// near finds the runs that are nearest to cells that were not run, by the id of what was asked for.
func (s *Study) near(cells []bench.Cell, runs map[string]judge.Run) map[string]judge.Near {
	asked := map[string]bool{}
	seeds := s.held.seeds(s.tier, version{s.env.Backend, s.env.Method})
	for _, cell := range s.everyCell(s.catalogue.Matrix(s.tier, s.catalogue.Claims, seeds, s.env)) {
		asked[cell.Spec.ID()] = true
	}
	found := map[string]judge.Near{}
	for _, cell := range cells {
		id := cell.Spec.ID()
		if _, there := runs[id]; there {
			continue
		}
		if run, differences, ok := s.held.near(cell, asked); ok {
			found[id] = judge.Near{Run: run, Differences: differences}
		}
	}
	return found
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
