package nn

import (
	"math"
	"testing"
)

func TestLearningRateSchedule(t *testing.T) {
	s := SGD{LearningRate: 0.1, WarmupSteps: 4}
	for step, want := range map[int]float64{0: 0.025, 3: 0.1, 4: 0.1, 12: 0.05, 20: 0} {
		if got := s.Rate(step, 20); math.Abs(got-want) > 1e-12 {
			t.Errorf("learning rate of step %d is %g, want %g", step, got, want)
		}
	}
}
