package rng

import "testing"

func TestStreamsDependOnEveryLabel(t *testing.T) {
	draws := map[uint64][]uint64{}
	for _, labels := range [][]uint64{{}, {0}, {1}, {0, 0}, {0, 1}, {1, 0}, {2, 1}} {
		for seed := range uint64(3) {
			draw := Stream(seed, labels...).Uint64()
			if again := Stream(seed, labels...).Uint64(); again != draw {
				t.Fatalf("seed %d labels %v: %x, then %x", seed, labels, draw, again)
			}
			if other, seen := draws[draw]; seen {
				t.Fatalf("labels %v and %v share a stream", labels, other)
			}
			draws[draw] = labels
		}
	}
}

func TestStreamsAreUniform(t *testing.T) {
	// The first draw of consecutive streams must look like one generator: mean 1/2 within 4 standard errors.
	const n = 100_000
	sum := 0.0
	for i := range uint64(n) {
		sum += Stream(7, i).Float64()
	}
	if mean := sum / n; mean < 0.5-4*0.2887/316.2 || mean > 0.5+4*0.2887/316.2 {
		t.Errorf("mean of first draws = %g", mean)
	}
}
