package registry_test

import (
	"encoding/json"
	"fmt"
	"sync"
	"testing"

	"github.com/cidbench/cidbench/registry"
	"github.com/cidbench/cidbench/registry/s3/s3test"
)

const manyRuns = 10_000

// writeRuns commits many runs to an empty registry, each with events.
func writeRuns(b *testing.B, url string) *registry.Registry {
	b.Helper()
	r, err := registry.Open(b.Context(), url)
	if err != nil {
		b.Fatal(err)
	}
	d, err := r.PutBlob(b.Context(), "text/plain", []byte("weights"))
	if err != nil {
		b.Fatal(err)
	}
	var writers sync.WaitGroup
	seeds := make(chan int)
	for range 8 {
		writers.Go(func() {
			for i := range seeds {
				if err := writeSmallRun(b, r, i, d); err != nil {
					b.Error(err)
				}
			}
		})
	}
	for i := range manyRuns {
		seeds <- i
	}
	close(seeds)
	writers.Wait()
	return r
}

func writeSmallRun(b *testing.B, r *registry.Registry, i int, d registry.Descriptor) error {
	m := newManifest(i, map[string]registry.Descriptor{"checkpoint": d, "series": d})
	m.Key = json.RawMessage(fmt.Sprintf(`{"seed":%d,"config":%q}`, i, fmt.Sprintf("%0400d", i)))
	run, err := registry.RunID(m.Key)
	if err != nil {
		return err
	}
	if _, err := r.Append(b.Context(), run, "checkpoint", d); err != nil {
		return err
	}
	_, err = r.Commit(b.Context(), m)
	return err
}

// BenchmarkStatus lists the status of 10,000 runs, reads all their manifests,
// and lists again with the index that the first list has written.
func BenchmarkStatus(b *testing.B) {
	b.Run("directory", func(b *testing.B) { benchmarkStatus(b, b.TempDir()) })
	b.Run("versitygw", func(b *testing.B) { benchmarkStatus(b, s3test.Start(b, s3test.Versitygw).URL("p")) })
}

func benchmarkStatus(b *testing.B, url string) {
	r := writeRuns(b, url)
	b.Run("manifests", func(b *testing.B) {
		for b.Loop() {
			n := 0
			for m, err := range r.Manifests(b.Context()) {
				if err != nil || m.Status != registry.Complete {
					b.Fatal(m.Status, err)
				}
				n++
			}
			if n != manyRuns {
				b.Fatalf("%d manifests, want %d", n, manyRuns)
			}
		}
	})
	if _, err := r.Statuses(b.Context()); err != nil { // writes the index
		b.Fatal(err)
	}
	b.Run("indexed", func(b *testing.B) {
		for b.Loop() {
			all, err := r.Statuses(b.Context())
			if err != nil || len(all) != manyRuns || all[manyRuns/2].Status != registry.Complete {
				b.Fatal(len(all), err)
			}
		}
	})
}
