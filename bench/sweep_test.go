package bench

import (
	"fmt"
	"slices"
	"testing"

	"github.com/cidbench/cidbench/bench/negatives"
)

func TestSweepMatrix(t *testing.T) {
	c := small()
	sweep := &Sweep{
		ID: "share", Title: "share", Reference: "all", Seeds: 2, Fractions: []float64{0.1, 0.5},
		Lines: []SweepLine{{negatives.Keep, negatives.Hardest}, {negatives.Drop, negatives.Hardest}},
	}
	c.Sweeps = []*Sweep{sweep}
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	env := Environment{Backend: "go"}
	cells := c.SweepMatrix(c.Tiers[0], sweep, Explored(2), env)
	var got []string
	for _, cell := range cells {
		got = append(got, fmt.Sprintf("%s %d", cell.Arm, cell.Seed))
	}
	want := []string{
		"all 0", "untrained 0", "pixels 0", "all 1", "untrained 1",
		"keep-hardest-0.1 0", "keep-hardest-0.5 0", "drop-hardest-0.1 0", "drop-hardest-0.5 0",
		"keep-hardest-0.1 1", "keep-hardest-0.5 1", "drop-hardest-0.1 1", "drop-hardest-0.5 1",
	}
	if !slices.Equal(got, want) {
		t.Errorf("cells %v, want %v", got, want)
	}
	// The arm "hard" of the claims is the same run as a point of the sweep.
	hard := c.Tiers[0].Spec(c.Arm("hard"), 0, 1, c.Datasets[0], env).ID()
	if cells[9].Spec.ID() != hard {
		t.Errorf("%s is another run than the claim's arm of the same rule", cells[9].Arm)
	}
	if arm := c.Arm("drop-hardest-0.5"); arm == nil || arm.Rules[0].String() != "drop hardest 50%" {
		t.Errorf("the catalogue does not find a sweep's arm: %+v", arm)
	}
	for name, spoil := range map[string]func(*Sweep){
		"no fraction":  func(s *Sweep) { s.Fractions = nil },
		"fraction 2":   func(s *Sweep) { s.Fractions = []float64{2} },
		"no reference": func(s *Sweep) { s.Reference = "nobody" },
		"an id twice":  func(s *Sweep) { s.Lines = append(s.Lines, s.Lines[0]) },
	} {
		bad := *sweep
		spoil(&bad)
		c.Sweeps = []*Sweep{&bad}
		if c.Validate() == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestAtTemperature(t *testing.T) {
	claims := small().Claims
	variants := AtTemperature(0.07, claims)
	v := variants[0]
	if len(variants) != 1 || v.ID != "hard-t0.07" || v.Thesis != "hard" || v.Temperature != 0.07 || v.Controls != nil {
		t.Errorf("variant %+v", v)
	}
	if claims[0].Temperature != 0 || claims[0].Controls == nil {
		t.Error("the claim itself changed")
	}
}

func TestSelectByPattern(t *testing.T) {
	c := small()
	c.Claims = append(c.Claims, AtTemperature(0.07, c.Claims)...)
	for pattern, want := range map[string]int{"hard": 1, "hard*": 2, "*-t0.07": 1} {
		if got, err := c.Select("tiny", []string{pattern}); err != nil || len(got) != want {
			t.Errorf("%q selects %d claims, want %d: %v", pattern, len(got), want, err)
		}
	}
	for _, pattern := range []string{"nothing", "[", "hard-"} {
		if _, err := c.Select("tiny", []string{pattern}); err == nil {
			t.Errorf("%q: no error", pattern)
		}
	}
}
