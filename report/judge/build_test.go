package judge_test

import (
	"errors"
	"math"
	"testing"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/registry"
	"github.com/cidbench/cidbench/report/judge"
	"github.com/cidbench/cidbench/report/model"
)

func TestExitCode(t *testing.T) {
	supported := scores{"baseline": base, "easiest95": around(-500), "without-hardest": around(5)}
	for name, tc := range map[string]struct {
		scores scores
		claims []string
		want   int
	}{
		"all supported":      {supported, []string{"easiest95", "unnecessary"}, model.ExitSupported},
		"one refuted":        {scores{"baseline": base, "easiest95": around(0), "without-hardest": around(0, wild...)}, []string{"easiest95", "unnecessary"}, model.ExitRefuted},
		"one inconclusive":   {scores{"baseline": base, "easiest95": around(-500), "without-hardest": around(0, wild...)}, []string{"easiest95", "unnecessary"}, model.ExitInconclusive},
		"one without runs":   {scores{"baseline": base, "easiest95": around(-500)}, []string{"easiest95", "unnecessary"}, model.ExitInconclusive},
		"refuted and absent": {scores{"baseline": base, "easiest95": around(0)}, []string{"easiest95", "unnecessary"}, model.ExitRefuted},
		"nothing":            {nil, nil, model.ExitNothing},
	} {
		t.Run(name, func(t *testing.T) {
			if got := build(t, input(t, tc.scores, tc.claims...)).ExitCode(); got != tc.want {
				t.Errorf("%d, want %d", got, tc.want)
			}
		})
	}
	if got := (&model.Report{}).ExitCode(); got != model.ExitNothing {
		t.Errorf("without claims: %d", got)
	}
}

func TestEvidenceDigest(t *testing.T) {
	in := input(t, scores{"baseline": base, "easiest95": around(-500)}, "easiest95")
	before := build(t, in).Provenance.Evidence
	cell := at(t, in, "baseline", 0)
	run := in.Runs[cell.Spec.ID()]
	run.Manifest.Provenance.CPU, run.Digest = "Z80", registry.DigestOf([]byte("elsewhere"))
	put(in, cell, run)
	if build(t, in).Provenance.Evidence != before {
		t.Error("the evidence depends on where it was computed")
	}
	put(in, cell, complete(t, cell, 1))
	if build(t, in).Provenance.Evidence == before {
		t.Error("another result is the same evidence")
	}
}

// What a report shows of sweeps and analyses is evidence as much as the runs of its claims.
func TestEvidenceCoversSweepsAndAnalyses(t *testing.T) {
	whole := build(t, showcase(t)).Provenance
	in := showcase(t)
	for _, cell := range in.Sweeps[0].Cells {
		if cell.Arm == "keep-hardest-0.5" && cell.Seed == 1 {
			put(in, cell, complete(t, cell, 2_999))
		}
	}
	if build(t, in).Provenance.Evidence == whole.Evidence {
		t.Error("another accuracy in the sweep is the same evidence")
	}
	in = showcase(t)
	in.Analyses = in.Analyses[1:]
	if p := build(t, in).Provenance; p.Evidence == whole.Evidence || p.Used != whole.Used-1 || p.Analyses != whole.Analyses-1 {
		t.Errorf("an analysis less: %+v", p)
	}
	in = showcase(t)
	in.Analyses[0].Manifest.Artifacts = map[string]registry.Descriptor{bench.CountsArtifact: {Digest: registry.DigestOf(nil)}}
	if build(t, in).Provenance.Evidence == whole.Evidence {
		t.Error("other counts are the same evidence")
	}
}

func TestEnergy(t *testing.T) {
	in := observed(t, "semantic")
	if p := build(t, in).Provenance; p.KilowattHours != nil || p.Metered != 0 {
		t.Errorf("energy %v of %d that no one measured", p.KilowattHours, p.Metered)
	}
	cell := at(t, in, "baseline", 1)
	run := in.Runs[cell.Spec.ID()]
	run.Manifest.Provenance.Joules = 2.7e6
	put(in, cell, run)
	in.Analyses[0].Manifest.Provenance.Joules = 0.9e6
	if p := build(t, in).Provenance; p.KilowattHours == nil || math.Abs(*p.KilowattHours-1) > 1e-9 || p.Metered != 2 {
		t.Errorf("energy %v of %d, want 1 kWh of 2", p.KilowattHours, p.Metered)
	}
}

func TestBuildRefuses(t *testing.T) {
	clear := scores{"baseline": base, "easiest95": around(-500)}
	for name, tc := range map[string]struct {
		change func(*judge.Input)
		want   error
	}{
		"a run under another id": {func(in *judge.Input) {
			in.Runs[at(t, *in, "baseline", 0).Spec.ID()] = in.Runs[at(t, *in, "easiest95", 0).Spec.ID()]
		}, registry.ErrCorrupt},
		"a run without key":         {func(in *judge.Input) { in.Runs[at(t, *in, "baseline", 0).Spec.ID()] = judge.Run{} }, registry.ErrCorrupt},
		"a cell twice":              {func(in *judge.Input) { in.Cells = append(in.Cells, in.Cells[0]) }, nil},
		"an unknown arm":            {func(in *judge.Input) { in.Cells[0].Arm = "nobody" }, nil},
		"another tier":              {func(in *judge.Input) { in.Claims[0].Tiers = []string{"paper"} }, nil},
		"an unknown arm in a claim": {func(in *judge.Input) { in.Claims[0].Controls = []string{"nobody"} }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			in := input(t, clear, "easiest95")
			tc.change(&in)
			if r, err := judge.Build(in); err == nil || !errors.Is(err, tc.want) && tc.want != nil {
				t.Errorf("%v, %v", r, err)
			}
		})
	}
}
