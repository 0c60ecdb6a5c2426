package calibrate

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var (
	write        = flag.String("write", "", "simulate everything, and write it to this file (make calibrate)")
	replications = flag.Int("replications", 4_000, "of each decisive world and law, for -write")
)

// effects in shares of the gain, in this order: sufficiency and necessity of the hardest 5%; the hardest 0.1% at both
// temperatures; same-class negatives.
func effects(hardest5, easiest95, hardest01, hardest01Low, sameClass, prior float64) map[string]float64 {
	return map[string]float64{
		"hardest5": hardest5, "easiest95": easiest95, "without-hardest01": hardest01, "without-hardest01-t0.07": hardest01Low,
		"without-same-class": sameClass, "without-hardest-prior": prior,
	}
}

// The worlds in which verdicts are most often wrong: claims lie on their margins, where they are false, or just beside
// them, where they are true. The agreement of encoders on easy images is clear where that on hard ones is on its margin,
// since the claim is false by either.
var (
	onMargins = world{"all false, on their margins", effects(-margin, -margin, -margin, margin, margin, 0), 0.1, 0.5, "", false}
	justTrue  = world{"all just true", effects(-margin+less, -margin-less, -margin+less, margin+less, margin+less, 2*less), 0.1 + less, 0.1 + less, "", true}
	oneOpen   = onMargins.with("necessity clear, all else false, on its margin", map[string]float64{"easiest95": -0.4})
	gateOpen  = decisive(oneOpen.with("primaries clear, secondaries false, on their margins", map[string]float64{"hardest5": 0.3}))

	worlds = []world{
		onMargins,
		justTrue,
		{"half false, on their margins, and half just true", effects(-margin, -margin-less, -margin+less, margin, margin, 0), 0.1 + less, 0.1 + less, "", false},
		oneOpen,
		onMargins.with("sufficiency clear, necessity just true, secondaries false, on their margins", map[string]float64{"hardest5": 0.3, "easiest95": -margin - less}),
		gateOpen,
		decisive(justTrue.with("primaries clear, secondaries just true", map[string]float64{"hardest5": 0.3, "easiest95": -0.4})),
		{"primaries clear, secondaries half and half", effects(0.3, -0.4, -margin+less, margin, margin, 0), 0.1 + less, 0.1 + less, "", false},
		{"primaries clear, secondaries false, on their margins; without-same-class not run at the last look", gateOpen.effects, gateOpen.hard, gateOpen.easy, "without-same-class", false},
	}

	// Those that ask for power: what seeds 0 to 4 and the paper let one expect, the same distance for every claim, and
	// nothing at all.
	hopes = []world{
		{"as expected", effects(0.15, -0.2, 0, 0, 0.04, -0.05), 0.33, 0.26, "", false},
		{"all true by a margin", effects(0, -2*margin, 0, 2*margin, 2*margin, 2*margin), 0.2, 0.2, "", false},
		{"no effects", effects(0, 0, 0, 0, 0, 0), 0, 0, "", false},
	}
)

func decisive(w world) world {
	w.decisive = true
	return w
}

func load(t *testing.T) *study {
	t.Helper()
	s, err := newStudy()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestWorldsAreWhatTheySay holds the truth of each claim against the name of its world, and worlds against the runs that
// the plan asks for.
func TestWorldsAreWhatTheySay(t *testing.T) {
	s := load(t)
	for _, cell := range s.trained() {
		if series := s.series(cell.Arm, cell.Temperature); spread[series] == 0 {
			t.Errorf("nothing says how %s spreads", series)
		}
	}
	for _, tc := range []struct {
		world world
		true  string
	}{
		{onMargins, ""},
		{justTrue, "hardest5 without-hardest5 hardest01-unnecessary hardest01-detrimental-t0.07 same-class-harmful same-class consistency"},
		{oneOpen, "without-hardest5"},
		{gateOpen, "hardest5 without-hardest5"},
		{hopes[0], "hardest5 without-hardest5 hardest01-unnecessary consistency"},
		{hopes[2], "hardest5 hardest01-unnecessary same-class"},
	} {
		var hold []string
		for _, claim := range s.claims {
			if s.holds(tc.world, claim) {
				hold = append(hold, claim.ID)
			}
		}
		if got := strings.Join(hold, " "); got != tc.true {
			t.Errorf("%s: true are %q, want %q", tc.world.name, got, tc.true)
		}
	}
}

// TestErrorRates judges worlds with normal errors: the bands fail where levels double or where claims stop short of their
// last look, and the last one where the gate is gone. With -write it judges all worlds with all errors.
func TestErrorRates(t *testing.T) {
	if testing.Short() {
		t.Skip("this judges some hundred reports")
	}
	s := load(t)
	if *write != "" {
		text, err := s.document(*replications)
		if err == nil {
			err = os.WriteFile(*write, []byte(text), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
		return
	}
	for _, tc := range []struct {
		world     world
		low, high float64
	}{{justTrue, 0.03, 0.065}, {gateOpen, 0.03, 0.065}, {oneOpen, 0.01, 0.045}} {
		r, err := s.simulate(tc.world, laws[0], 800, true)
		if err != nil {
			t.Fatal(err)
		}
		rate, half := r.rate()
		t.Logf("%s: wrong %.4f ± %.4f, %d judged", tc.world.name, rate, half, r.judged)
		for _, id := range s.plan.Claims() {
			t.Logf("    %s: %+v", id, *r.claims[id])
		}
		if rate < tc.low || rate > tc.high {
			t.Errorf("%s: a wrong verdict in %.4f ± %.4f of replications, want %g to %g", tc.world.name, rate, half, tc.low, tc.high)
		}
	}
}

// TestDocument: what is published is of the plan as it is.
func TestDocument(t *testing.T) {
	text, err := os.ReadFile("../../docs/error-rates.md")
	if err != nil {
		t.Fatal(err)
	}
	if of := load(t).planned(); !strings.Contains(string(text), of) {
		t.Errorf("docs/error-rates.md is not of this plan: make calibrate\n%s", of)
	}
}

// planned is the plan in a sentence.
func (s *study) planned() string {
	each := func(claims []string) string {
		return fmt.Sprintf("%s at %.4g each", strings.Join(claims, ", "), s.plan.Share(claims[0]))
	}
	return fmt.Sprintf("The plan of tier %s: primary %s; secondary %s; alpha %g; looks at %s seeds.",
		s.plan.Tier, each(s.plan.Primary), each(s.plan.Secondary), s.plan.Alpha, strings.Trim(fmt.Sprint(s.plan.Looks), "[]"))
}
