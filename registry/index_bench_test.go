package registry_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/cidbench/cidbench/registry"
	"github.com/cidbench/cidbench/registry/store"
)

// writeRuns makes a directory of n runs, each with an event, without waiting for the disk. The keys are of the size of
// those of trainings, and every other is that of an analysis.
func writeRuns(b *testing.B, n int) string {
	b.Helper()
	root := filepath.Join(b.TempDir(), "registry")
	if _, err := registry.Open(b.Context(), root); err != nil {
		b.Fatal(err)
	}
	const batch = 1000
	for first := 0; first < n; first += batch {
		memory := store.NewMemory("batch")
		r, err := registry.OpenOn(b.Context(), memory)
		if err != nil {
			b.Fatal(err)
		}
		for i := first; i < min(first+batch, n); i++ {
			m := newManifest(i, nil)
			m.Key = json.RawMessage(fmt.Sprintf(`{"seed":%d,"arm":%d,"config":%q}`, i, i%40, fmt.Sprintf("%0700d", 0)))
			if i%2 == 1 {
				m.Key = json.RawMessage(fmt.Sprintf(`{"kind":"analysis","run":"%032x","state":"sha256:%064x","step":%d,"tree":"%064d"}`, i, i, i%3, 0))
			}
			run, err := registry.RunID(m.Key)
			if err == nil {
				_, err = r.Append(b.Context(), run, "checkpoint", i)
			}
			if err == nil {
				_, err = r.Commit(b.Context(), m)
			}
			if err != nil {
				b.Fatal(err)
			}
		}
		for info, err := range memory.List(b.Context(), "runs/") {
			if err != nil {
				b.Fatal(err)
			}
			data, _, err := memory.Load(b.Context(), info.Key)
			path := filepath.Join(root, info.Key)
			if err == nil {
				err = os.MkdirAll(filepath.Dir(path), 0o777)
			}
			if err == nil {
				err = os.WriteFile(path, data, 0o444)
			}
			if err != nil {
				b.Fatal(err)
			}
		}
	}
	return root
}

// BenchmarkOverview lists many runs of a directory: the first time, when all manifests are read, and with the index.
func BenchmarkOverview(b *testing.B) {
	for _, n := range []int{1_000, 10_000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			root := writeRuns(b, n)
			r, err := registry.Open(b.Context(), root)
			if err != nil {
				b.Fatal(err)
			}
			begin := time.Now()
			if _, err := r.Overview(b.Context()); err != nil { // writes the index
				b.Fatal(err)
			}
			b.ReportMetric(time.Since(begin).Seconds(), "s/first")
			for b.Loop() {
				r, err := registry.OpenExisting(b.Context(), root)
				if err != nil {
					b.Fatal(err)
				}
				o, err := r.Overview(b.Context())
				if err != nil || len(o.Finished) != n {
					b.Fatal(len(o.Finished), err)
				}
			}
			if info, err := os.Stat(filepath.Join(root, "index", "summary")); err == nil {
				b.ReportMetric(float64(info.Size())/float64(n), "B/run")
			}
		})
	}
}
