package analysis

import "testing"

// BenchmarkRun is an analysis at the size of the default tier, on one thread.
func BenchmarkRun(b *testing.B) {
	in := plan{dim: 64, superclasses: 10, each: 10, images: 100, superWeight: 1, classWeight: 1, noise: 2, seed: 1}.input()
	p := Protocol{Queries: 2000, Tail: 0.05, Draws: 1999, Resamples: 999}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.Run(b.Context(), in, 1); err != nil {
			b.Fatal(err)
		}
	}
}
