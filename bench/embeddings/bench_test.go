package embeddings

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/cidbench/cidbench/bench/analysis"
)

// BenchmarkAnalyze is what `cidbench analyze --embeddings` does by itself with 50,000 rows of 128 dimensions in 100 classes,
// from the files on, on all processors.
func BenchmarkAnalyze(b *testing.B) {
	const rows, dim, classes = 50_000, 128, 100
	random := rand.New(rand.NewPCG(1, 1))
	centres := make([]float32, classes*dim)
	for i := range centres {
		centres[i] = float32(random.NormFloat64())
	}
	values, labels := make([]float32, 0, rows*dim), make([]string, rows)
	for i := range rows {
		class := i % classes
		labels[i] = fmt.Sprintf("class%02d", class)
		for _, x := range centres[class*dim:][:dim] {
			values = append(values, x+2*float32(random.NormFloat64()))
		}
	}
	f := newFolder(b)
	r := Request{
		Embeddings: f.npy("z.npy", values, fmt.Sprintf("(%d, %d)", rows, dim)), Labels: f.lines("y.txt", labels),
		Protocol: analysis.Protocol{Queries: 1000, Tail: 0.05, Draws: 999, Resamples: 499}, Threads: runtime.GOMAXPROCS(0),
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Analyze(b.Context(), r); err != nil {
			b.Fatal(err)
		}
	}
}
