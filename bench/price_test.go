package bench

import (
	"testing"
	"testing/synctest"
	"time"
)

// TestSlowStepsAreMeasuredLess: a tier whose steps take half a minute is priced in a minute, not in many.
func TestSlowStepsAreMeasuredLess(t *testing.T) {
	for step, want := range map[time.Duration]int{time.Millisecond: 10, 2 * time.Second: 3, 30 * time.Second: 1} {
		synctest.Test(t, func(t *testing.T) {
			steps := 0
			got, err := average(10, func() error {
				steps++
				time.Sleep(step)
				return nil
			})
			if err != nil || got != step || steps != want {
				t.Errorf("steps of %v: %v on average of %d, %v, want %d", step, got, steps, err, want)
			}
		})
	}
}
