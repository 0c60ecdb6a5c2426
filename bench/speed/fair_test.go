package main

import (
	"math"
	"slices"
	"strings"
	"testing"
)

// measuredAs is a side with made-up samples: alone around one median with a spread, and in turn at another.
func measuredAs(name string, alone, spread, inTurn float64) Measured {
	m := Measured{Side: name, Alone: Figure{alone, alone - spread/2, alone + spread/2}, Mean: inTurn, CPU: inTurn}
	for _, factor := range []float64{0.99, 1, 1, 1, 1.01} {
		m.Turns = append(m.Turns, factor*inTurn)
	}
	m.InTurn = figure(m.Turns)
	return m
}

// TestRatioIsRefused goes through what forbids a ratio, each by itself.
func TestRatioIsRefused(t *testing.T) {
	for name, test := range map[string]struct {
		peer          Measured
		alone, inTurn Usage
		refused       string // what the only reason says; empty: there is a ratio
	}{
		"fair":                        {peer: measuredAs("eager", 30, 1, 30.5)},
		"slower within the spread":    {peer: measuredAs("eager", 30, 2, 31.9)},
		"slower than the spread":      {peer: measuredAs("eager", 30, 2, 32.1), refused: "eager took 32.1 ms in turn and 30.0 alone"},
		"a spread of nothing":         {peer: measuredAs("eager", 30, 0, 30.5)},
		"more than clocks drift":      {peer: measuredAs("eager", 30, 0, 30.7), refused: "eager took 30.7 ms in turn"},
		"faster in turn":              {peer: measuredAs("eager", 30, 1, 25), refused: "eager took 25.0 ms in turn and 30.0 alone"},
		"others while it was alone":   {peer: measuredAs("eager", 30, 1, 30), alone: Usage{Foreign: 0.05}, refused: "while eager was alone, other programs took 5%"},
		"others in turn":              {peer: measuredAs("eager", 30, 1, 30), inTurn: Usage{Foreign: 0.5}, refused: "in turn, other programs took 50%"},
		"a little of others":          {peer: measuredAs("eager", 30, 1, 30), alone: Usage{Foreign: 0.02}, inTurn: Usage{Foreign: 0.02}},
		"a side that was not stopped": {peer: measuredAs("eager", 30, 1, 30), inTurn: Usage{Stopped: 0.4}, refused: "sides that were stopped took 40.0%"},
		"some samples that take far longer": {peer: func() Measured {
			m := measuredAs("eager", 30, 1, 30)
			m.Mean, m.CPU = 36, 36
			return m
		}()},
		"more processors than it has threads": {peer: func() Measured {
			m := measuredAs("eager", 30, 1, 30)
			m.CPU = 55
			return m
		}(), refused: "eager took 55.0 ms of processor time for 30.0 ms on 1 threads"},
	} {
		t.Run(name, func(t *testing.T) {
			own := measuredAs("xla", 20, 1, 20)
			own.judge(Usage{}, 1)
			test.peer.judge(test.alone, 1)
			r := ratio(own, test.peer, test.inTurn)
			switch {
			case test.refused == "" && r.Value != nil && len(r.Refused) == 0:
				if want := 20 / test.peer.InTurn.Median; math.Abs(r.Value.Median-want) > 1e-9 {
					t.Errorf("the ratio is %g, want %g", r.Value.Median, want)
				}
			case test.refused != "" && r.Value == nil && len(r.Refused) == 1 && strings.Contains(r.Refused[0], test.refused):
			default:
				t.Errorf("the ratio is %v, refused for %q; want %q", r.Value, r.Refused, test.refused)
			}
		})
	}
}

// TestOwnSideIsHeldToTheSame: a ratio that is too high would be as wrong.
func TestOwnSideIsHeldToTheSame(t *testing.T) {
	own, peer := measuredAs("xla", 20, 1, 30), measuredAs("eager", 30, 1, 30)
	own.judge(Usage{}, 1)
	peer.judge(Usage{}, 1)
	if r := ratio(own, peer, Usage{}); r.Value != nil || len(r.Refused) != 1 {
		t.Errorf("the ratio is %v, refused for %q; want it refused for what xla took", r.Value, r.Refused)
	}
}

// TestRatioIsOfPairs: what slows a round for both sides leaves the ratio as it is.
func TestRatioIsOfPairs(t *testing.T) {
	got := quotient([]float64{20, 40, 22}, []float64{40, 80, 40})
	if want := (Figure{0.5, 0.5, 0.525}); math.Abs(got.Median-want.Median)+math.Abs(got.Low-want.Low)+math.Abs(got.High-want.High) > 1e-9 {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestQuantileByHand(t *testing.T) {
	samples := []float64{4, 1, 3, 2}
	for q, want := range map[float64]float64{0: 1, 0.25: 1.75, 0.5: 2.5, 0.75: 3.25, 1: 4} {
		if got := quantile(samples, q); got != want {
			t.Errorf("quantile %g is %g, want %g", q, got, want)
		}
	}
	if !slices.Equal(samples, []float64{4, 1, 3, 2}) {
		t.Error("the samples are sorted in place")
	}
}
