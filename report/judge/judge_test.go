package judge_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gonum.org/v1/gonum/stat/distuv"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/bench/method"
	"github.com/cidbench/cidbench/bench/moco"
	"github.com/cidbench/cidbench/registry"
	"github.com/cidbench/cidbench/report/judge"
	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/report/stats"
)

// The base is noisy over seeds, 0.24 points, and the arms follow it closely.
var base = []int{3_005, 3_020, 2_990, 3_000, 3_015}

// around is the base plus a shift and a little noise of mean zero, in test images: 50 are a point.
func around(shift int, noise ...int) (out []int) {
	for i, b := range base {
		n := []int{2, -2, 1, -1, 0}[i]
		if len(noise) > 0 {
			n = noise[i]
		}
		out = append(out, b+shift+n)
	}
	return out
}

// wild is noise that no five seeds see through.
var wild = []int{200, -200, 100, -100, 0}

// lost is what the assay must find.
var lost = around(-500)

func TestVerdicts(t *testing.T) {
	for name, tc := range map[string]struct {
		claim  string
		scores scores
		want   stats.Verdict
		why    string
	}{
		"greater":             {"easiest95", scores{"baseline": base, "easiest95": around(-500)}, stats.Supported, ""},
		"not greater":         {"easiest95", scores{"baseline": base, "easiest95": around(-20)}, stats.Refuted, ""},
		"perhaps greater":     {"easiest95", scores{"baseline": base, "easiest95": around(-110, wild...)}, stats.Inconclusive, ""},
		"equivalent":          {"unnecessary", scores{"baseline": base, "easiest95": lost, "without-hardest": around(5)}, stats.Supported, ""},
		"not equivalent":      {"unnecessary", scores{"baseline": base, "easiest95": lost, "without-hardest": around(-200)}, stats.Refuted, ""},
		"no difference shown": {"unnecessary", scores{"baseline": base, "easiest95": lost, "without-hardest": around(0, wild...)}, stats.Inconclusive, ""},
		"no loss":             {"hardest5", scores{"baseline": base, "easiest95": lost, "hardest5": around(-20)}, stats.Supported, ""},
		"a loss":              {"hardest5", scores{"baseline": base, "easiest95": lost, "hardest5": around(-200)}, stats.Refuted, ""},
		"no assay":            {"hardest5", scores{"baseline": base, "hardest5": around(-20)}, stats.Inconclusive, "easiest95 was not run (seeds 0, 1, 2, 3, 4)"},
		"a blunt assay":       {"hardest5", scores{"baseline": base, "easiest95": around(-10), "hardest5": around(-20)}, stats.Inconclusive, ""},
		"a loss without one":  {"hardest5", scores{"baseline": base, "easiest95": around(-10), "hardest5": around(-200)}, stats.Refuted, ""},
		"nothing":             {"unnecessary", nil, model.NothingToJudge, "baseline was not run"},
		"one arm":             {"unnecessary", scores{"baseline": base}, model.NothingToJudge, "without-hardest was not run (seeds 0, 1, 2, 3, 4)"},
		"another temperature": {"cold", scores{"baseline": base, "baseline@low": around(200)}, stats.Supported, ""},
		"no gain": {"easiest95", scores{"baseline": base, "easiest95": around(-500), "untrained": around(0, wild...)}, stats.Inconclusive,
			"the gain, baseline over untrained, is not shown to be so far above 0 that a share of it has bounds"},
	} {
		t.Run(name, func(t *testing.T) {
			c := one(t, input(t, tc.scores, tc.claim))
			if c.Verdict != tc.want || !strings.Contains(why(c), tc.why) || c.Role != bench.Exploratory || c.Alpha != 0.05 {
				t.Errorf("%s %s at %v: %s\nwant %s: %s", c.Role, c.Verdict, c.Alpha, why(c), tc.want, tc.why)
			}
		})
	}
}

// What supports a claim is asked further whether it is more than a control shows.
func TestSpecific(t *testing.T) {
	s := scores{"baseline": base, "easiest95": lost, "hardest5": around(-20)}
	for name, tc := range map[string]struct {
		random []int
		want   stats.Verdict
	}{
		"specific":     {around(-300), stats.Supported},
		"not specific": {around(-30), stats.Refuted},
		"open":         {around(-120, wild...), stats.Inconclusive},
		"not run":      {nil, model.NothingToJudge},
	} {
		t.Run(name, func(t *testing.T) {
			s["random5"] = tc.random
			c := one(t, input(t, s, "hardest5"))
			if c.Verdict != stats.Supported || c.Specific == nil || c.Specific.Alone != tc.want {
				t.Errorf("%s, specific %+v, want %s", c.Verdict, c.Specific, tc.want)
			}
		})
	}
	s["hardest5"], s["random5"] = around(-200), around(-300)
	if c := one(t, input(t, s, "hardest5")); c.Verdict != stats.Refuted || c.Specific != nil {
		t.Errorf("%s, and yet specific %+v", c.Verdict, c.Specific)
	}
}

// Differences of 10, 11, 12, 11 and 10 points of gains of 40, 41, 42, 40 and 41: means 10.8 and 40.8, variances 0.7,
// covariance 0.45.
func TestNumbersOfAContrast(t *testing.T) {
	c := one(t, input(t, scores{
		"baseline": {3_000, 3_050, 3_100, 3_000, 3_050}, "easiest95": {2_500, 2_500, 2_500, 2_450, 2_550}, "untrained": {1_000, 1_000, 1_000, 1_000, 1_000},
	}, "easiest95"))
	x := c.Contrasts[0]
	var differences, gains []float64
	for _, p := range x.Pairs {
		differences, gains = append(differences, p.Difference), append(gains, p.Gain)
	}
	if diff := cmp.Diff([][]float64{{10, 11, 12, 11, 10}, {40, 41, 42, 40, 41}}, [][]float64{differences, gains}); diff != "" {
		t.Error(diff)
	}
	const critical = 2.131846786 // t(0.95, 4)
	half := critical * math.Sqrt(0.7/5)
	var residuals []float64
	for i := range differences {
		residuals = append(residuals, differences[i]-10.8/40.8*gains[i])
	}
	up, down := tails(critical, residuals...)
	// Fieller: (10.8 - 40.8 r)^2 = t^2 / 5 (0.7 - 2 0.45 r + 0.7 r^2).
	end := func(t, side float64) float64 {
		u := t * t / 5
		a, b, constant := 40.8*40.8-0.7*u, -2*10.8*40.8+0.9*u, 10.8*10.8-0.7*u
		return (-b + side*math.Sqrt(b*b-4*a*constant)) / (2 * a)
	}
	// Differences less 5% of gains are 8, 8.95, 9.9, 9 and 7.95: mean 8.76, variance 0.65675.
	student := distuv.StudentsT{Sigma: 1, Nu: 4}
	found := 8.76 / math.Sqrt(0.65675/5)
	p := 1. // of the t that is put out to what was found
	for low, high := 0., found; high-low > 1e-9; p = student.Survival(low) {
		t := (low + high) / 2
		if _, above := tails(t, residuals...); above < found {
			low = t
		} else {
			high = t
		}
	}
	for name, v := range map[string][2]float64{
		"points": {x.Difference.Estimate, 10.8}, "low points": {x.Difference.Low, 10.8 - half}, "high points": {x.Difference.High, 10.8 + half},
		"gain": {*x.MeanGain, 40.8}, "share": {x.Found.Value, 10.8 / 40.8}, "level": {x.Found.Level, 0.9},
		"low": {x.Found.Low, end(down, -1)}, "high": {x.Found.High, end(up, 1)},
		"p": {x.P.Support, p}, "p of the claim": {c.P.Support, p}, "other p": {x.P.Refute, 1 - student.Survival(found)},
	} {
		if math.Abs(v[0]-v[1]) > 1e-6 {
			t.Errorf("%s: %g, want %g", name, v[0], v[1])
		}
	}
	if x.N != 5 || c.Temperature != high || c.Reproduce != "cidbench verify --claim easiest95 --tier toy --explore --seeds 5" {
		t.Errorf("%+v", c)
	}
}

// A gain is that of the claim's temperature.
func TestGainIsOfTheTemperature(t *testing.T) {
	s := scores{"baseline": base, "baseline@low": around(-400), "without-hardest@low": around(-300)}
	x := one(t, input(t, s, "detrimental")).Contrasts[0]
	if math.Abs(*x.MeanGain-31.98) > 1e-9 || math.Abs(x.Found.Value-100./1_599) > 1e-9 { // 2606 - 1007 images
		t.Errorf("gain %v, share %v", *x.MeanGain, x.Found.Value)
	}
}

// What forbids a verdict does so however clear the numbers are.
func TestObstacles(t *testing.T) {
	clear := scores{"baseline": base, "easiest95": around(-500)}
	specOf := func(arm string, change func(*bench.Spec)) func(*testing.T, judge.Input) judge.Input {
		return func(t *testing.T, in judge.Input) judge.Input {
			for i, cell := range in.Cells {
				if cell.Arm == arm && cell.Seed == 2 {
					change(&cell.Spec)
					in.Cells[i] = cell
					put(in, cell, complete(t, cell, 3_000))
				}
			}
			return in
		}
	}
	spec := func(change func(*bench.Spec)) func(*testing.T, judge.Input) judge.Input {
		return specOf("baseline", change)
	}
	run := func(change func(*judge.Run)) func(*testing.T, judge.Input) judge.Input {
		return func(t *testing.T, in judge.Input) judge.Input {
			cell := at(t, in, "baseline", 2)
			run := in.Runs[cell.Spec.ID()]
			change(&run)
			put(in, cell, run)
			return in
		}
	}
	for name, tc := range map[string]struct {
		change func(*testing.T, judge.Input) judge.Input
		want   string
	}{
		"missing": {func(t *testing.T, in judge.Input) judge.Input {
			delete(in.Runs, at(t, in, "baseline", 2).Spec.ID())
			return in
		}, "baseline was not run (seed 2)"},
		"failed": {func(t *testing.T, in judge.Input) judge.Input {
			cell := at(t, in, "baseline", 2)
			put(in, cell, failed(cell, "diverged\x1b[31m\nat once"))
			return in
		}, "baseline: failed: diverged [31m at once (seed 2)"},
		"too few seeds": {func(_ *testing.T, in judge.Input) judge.Input {
			in.Seeds = 2
			return in
		}, "2 paired seeds, and the claim asks for 3"},
		"no gain": {func(t *testing.T, in judge.Input) judge.Input {
			delete(in.Runs, at(t, in, "untrained", 2).Spec.ID())
			return in
		}, "untrained was not run (seed 2)"},
		"gain at another temperature": {spec(func(s *bench.Spec) { s.Training.Config = s.Training.Config.AtTemperature(low) }),
			"baseline is not what the catalogue declares, training.config.temperature: 0.07, not 0.2 (seed 2)"},
		"trained for untrained": {specOf("untrained", func(s *bench.Spec) {
			s.Training = tier().Spec(catalogue().Arm("baseline"), high, 2, catalogue().Datasets[0], environment).Training
		}),
			"untrained is not what the catalogue declares, training.band_every: 10, not none"},
		"gain by other numerics":   {specOf("untrained", func(s *bench.Spec) { s.Backend = "xla" }), "backend: go and xla (seed 2)"},
		"no test images":           {run(func(r *judge.Run) { r.Result.Accuracy.N = 0 }), "baseline: unusable: 2990 (linear), 2840 (ridge) and 2691 (neighbours) correct of 0 test images"},
		"more correct than images": {run(func(r *judge.Run) { r.Result.Accuracy.Linear = testImages + 1 }), "are no accuracies (seed 2)"},
		"loss not a number":        {run(func(r *judge.Run) { r.Result.Progress[7].Loss = math.NaN() }), "the loss is not a number (seed 2)"},
		"final loss not a number":  {run(func(r *judge.Run) { r.Result.Loss = math.Inf(1) }), "the loss is not a number (seed 2)"},
		"bands not a number":       {run(func(r *judge.Run) { r.Result.Bands[0].SameClass = math.NaN() }), "bands hold what is not a number (seed 2)"},
		"other test images": {run(func(r *judge.Run) { r.Result.Accuracy.N = 4_000 }),
			"the arms differ in what the contrast does not declare, test images: 4000 and 5000 (seed 2)"},
		"other numerics": {run(func(r *judge.Run) { r.Manifest.Provenance.Backend = "go, no SIMD" }), "numerics: go, no SIMD and go, SIMD (seed 2)"},
		"other version": {spec(func(s *bench.Spec) { s.Training.Method = &method.ID{Name: "moco", Version: 9} }),
			"training.method.version: 9 and 1 (seed 2)"},
		"other method": {spec(func(s *bench.Spec) { s.Training.Method = &method.ID{Name: "swav", Version: 1} }),
			"training.method.name: swav and moco (seed 2)"},
		"other backend": {spec(func(s *bench.Spec) { s.Backend = "xla" }), "backend: xla and go (seed 2)"},
		"other data":    {spec(func(s *bench.Spec) { s.Dataset.Digest = "sha256:0" }), "dataset.digest: sha256:0 and"},
		"other checkpoints": {spec(func(s *bench.Spec) { s.Training.Checkpoints = []int{60, 120} }),
			"training.checkpoints[2]: none and 240 (seed 2)"},
		"other seed": {spec(func(s *bench.Spec) { s.Seed = 7 }), "baseline is not what the catalogue declares, seed: 7, not 2 (seed 2)"},
		"other rate": {spec(func(s *bench.Spec) {
			config := s.Training.Config.(moco.Config)
			config.LearningRate = 0.2
			s.Training.Config = config
		}), "training.config.learning_rate: 0.2, not 0.1 (seed 2)"},
		"other probe": {spec(func(s *bench.Spec) { s.Probe = "online" }), "probe: online, not " + protocol.ID() + " (seed 2)"},
		"other set":   {spec(func(s *bench.Spec) { s.Dataset.Name = "cifar" }), "dataset.name: cifar, not toys (seed 2)"},
		"other rules": {spec(func(s *bench.Spec) { s.Training.Rules = catalogue().Arm("hardest5").Rules }), "training.rules[0].pool: hardest, not none (seed 2)"},
		"another's start": {run(func(r *judge.Run) { r.Result.Progress[0].Alignment += 0.01 }),
			"the arms do not begin alike, so they are not pairs of one seed (seed 2)"},
		"start not recorded": {run(func(r *judge.Run) { r.Result.Progress = r.Result.Progress[1:] }), "the arms do not begin alike"},
		"not in the matrix": {func(_ *testing.T, in judge.Input) judge.Input {
			in.Cells = slices.DeleteFunc(in.Cells, func(c bench.Cell) bool { return c.Arm == "baseline" && c.Seed == 2 })
			return in
		}, "baseline is not part of the matrix (seed 2)"},
	} {
		t.Run(name, func(t *testing.T) {
			c := one(t, tc.change(t, input(t, clear, "easiest95")))
			if c.Verdict != stats.Inconclusive || !strings.Contains(why(c), tc.want) || c.Contrasts[0].P != nil {
				t.Errorf("%s: %s\nwant inconclusive: %s", c.Verdict, why(c), tc.want)
			}
			if c.P != (stats.Evidence{Support: 1, Refute: 1}) {
				t.Errorf("p values %+v of what is not judged", c.P)
			}
		})
	}
}

// One arm under two names is one run, which says nothing about a difference.
func TestSameRunOnBothSides(t *testing.T) {
	c := catalogue()
	c.Arms = append(c.Arms, arm("everything", "all negatives, again"))
	c.Plans = nil
	c.Claims = []*bench.Claim{claim("twice", 0, bench.Contrast{A: "everything", B: "baseline", Relation: bench.Greater, Margin: 0.01})}
	got := one(t, inputOf(t, c, scores{"baseline": base}))
	if got.Verdict != stats.Inconclusive || !strings.Contains(why(got), "both are the same run") {
		t.Errorf("%s: %s", got.Verdict, why(got))
	}
}

// Floors stand at the tier's temperature, and pixels at seed 0, whatever the claim's.
func TestContrastWithFloors(t *testing.T) {
	c := catalogue()
	c.Plans = nil
	c.Claims = []*bench.Claim{claim("learns", low, bench.Contrast{A: "baseline", B: "pixels", Relation: bench.Greater, Margin: 0.5},
		bench.Contrast{A: "baseline", B: "untrained", Relation: bench.Greater, Margin: 0.9})}
	got := one(t, inputOf(t, c, scores{"baseline@low": base, "pixels": {1_200}}))
	if got.Verdict != stats.Supported || got.Contrasts[0].N != 5 || math.Abs(got.Contrasts[1].Found.Value-1) > 1e-12 {
		t.Errorf("%s: %s", got.Verdict, why(got))
	}
}

func TestSwappingArmsTurnsTheVerdict(t *testing.T) {
	forth := one(t, input(t, scores{"baseline": base, "easiest95": around(-500)}, "easiest95"))
	back := one(t, input(t, scores{"easiest95": base, "baseline": around(-500)}, "easiest95"))
	if forth.Verdict != stats.Supported || back.Verdict != stats.Refuted {
		t.Errorf("%s, swapped %s", forth.Verdict, back.Verdict)
	}
}

// Seeds are what pairs runs: with another pairing the same accuracies are worth less.
func TestShufflingSeedsWidensTheInterval(t *testing.T) {
	width := func(b []int) float64 {
		d := one(t, input(t, scores{"baseline": base, "easiest95": b}, "easiest95")).Contrasts[0].Found
		return d.High - d.Low
	}
	paired := around(-500)
	shuffled := []int{paired[2], paired[3], paired[1], paired[4], paired[0]}
	if p, s := width(paired), width(shuffled); s < 2*p {
		t.Errorf("interval of %g paired, %g shuffled", p, s)
	}
}

// A claim of several contrasts is as sure as the least sure of them, its assay included, and refuted by any, with a
// price for having had the choice.
func TestSeveralContrasts(t *testing.T) {
	for name, tc := range map[string]struct {
		scores scores
		want   stats.Verdict
	}{
		"both hold":             {scores{"baseline": base, "hardest5": around(-10), "random5": around(-200)}, stats.Supported},
		"one is open":           {scores{"baseline": base, "hardest5": around(-10), "random5": around(-10, wild...)}, stats.Inconclusive},
		"one is refuted":        {scores{"baseline": base, "hardest5": around(-10), "random5": around(200)}, stats.Refuted},
		"one is refuted alone":  {scores{"baseline": base, "hardest5": around(-108, 10, -10, 5, -5, 0), "random5": around(-200)}, stats.Inconclusive},
		"one was not run":       {scores{"baseline": base, "hardest5": around(-10)}, stats.Inconclusive},
		"refuted, other absent": {scores{"baseline": base, "random5": around(200), "hardest5": around(-200)[:2]}, stats.Inconclusive},
	} {
		t.Run(name, func(t *testing.T) {
			tc.scores["easiest95"] = lost
			c := one(t, input(t, tc.scores, "harder"))
			if c.Verdict != tc.want {
				t.Errorf("%s: %s", c.Verdict, why(c))
			}
			p := func(x model.Contrast) stats.Evidence {
				if x.P == nil {
					return stats.Evidence{Support: 1, Refute: 1}
				}
				return *x.P
			}
			support, refute := p(*c.Assay).Support, 1.0
			for _, x := range c.Contrasts {
				support, refute = max(support, p(x).Support), min(refute, p(x).Refute)
			}
			if want := (stats.Evidence{Support: support, Refute: min(1, 2*refute)}); c.P != want {
				t.Errorf("p values %+v, want %+v", c.P, want)
			}
		})
	}
}

func TestNotes(t *testing.T) {
	dirty := func(r *judge.Run) { r.Manifest.Provenance.Dirty = true }
	for name, tc := range map[string]struct {
		scores scores
		change func(*judge.Run)
		want   string
	}{
		"no spread":       {scores{"baseline": base, "easiest95": around(-500, 0, 0, 0, 0, 0)}, nil, "rest on little but the estimate"},
		"dirty build":     {scores{"baseline": base, "easiest95": around(-500)}, dirty, "differed from its commit"},
		"other commit":    {scores{"baseline": base, "easiest95": around(-500)}, func(r *judge.Run) { r.Manifest.Provenance.Commit = "feed" }, "builds of different commits"},
		"other processor": {scores{"baseline": base, "easiest95": around(-500)}, func(r *judge.Run) { r.Manifest.Provenance.CPU = "Z80" }, "different machines"},
	} {
		t.Run(name, func(t *testing.T) {
			in := input(t, tc.scores, "easiest95")
			if tc.change != nil {
				cell := at(t, in, "baseline", 1)
				run := in.Runs[cell.Spec.ID()]
				tc.change(&run)
				put(in, cell, run)
			}
			r := build(t, in)
			if len(r.Claims[0].Notes) != 1 || len(r.Notes) != 1 || !strings.Contains(r.Notes[0], tc.want) {
				t.Errorf("%v %q, want %q", r.Claims[0].Notes, r.Notes, tc.want)
			}
		})
	}
}

// Where nothing was learned, or nothing was left to learn, negatives cannot have made a difference.
func TestUninformative(t *testing.T) {
	for name, tc := range map[string]struct {
		scores scores
		want   string
	}{
		"below a floor":  {scores{"baseline": {900, 905, 910, 900, 905}, "easiest95": {700, 710, 690, 705, 701}, "pixels": {1_000}}, `is not shown to be above the floor "pixels" (20.00 points), so it may have learned nothing`},
		"at the ceiling": {scores{"baseline": {4_998, 4_999, 4_998, 5_000, 4_997}, "easiest95": {4_700, 4_710, 4_690, 4_705, 4_701}}, "do labels leak into the features?"},
	} {
		t.Run(name, func(t *testing.T) {
			c := one(t, input(t, tc.scores, "easiest95"))
			if c.Verdict != stats.Inconclusive || !strings.Contains(why(c), tc.want) || c.Contrasts[0].P != nil {
				t.Errorf("%s: %s", c.Verdict, why(c))
			}
		})
	}
}

// Rules that change nothing are not evidence of equivalence that anyone would want unexplained.
func TestNoteOnIdenticalTraining(t *testing.T) {
	in := input(t, scores{"baseline": base, "easiest95": around(-500)}, "easiest95")
	for _, id := range []string{"baseline", "easiest95"} {
		cell := at(t, in, id, 0)
		run := in.Runs[cell.Spec.ID()]
		run.Manifest.Artifacts = map[string]registry.Descriptor{bench.SeriesArtifact: {Digest: registry.DigestOf(nil)}}
		put(in, cell, run)
	}
	if r := build(t, in); len(r.Notes) != 1 || !strings.Contains(r.Notes[0], "exactly the same way") {
		t.Errorf("%q", r.Notes)
	}
}
