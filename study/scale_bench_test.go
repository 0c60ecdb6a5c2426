package study_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/registry"
	"github.com/cidbench/cidbench/registry/store"
	"github.com/cidbench/cidbench/study"
)

// manyRuns makes a directory of so many runs, with their index and without waiting for the disk: 500 seeds of the cells
// of the tiny tier, as it is and with other probes. Of the latter there are folders alone: what has an index reads none
// of their manifests.
func manyRuns(b *testing.B, n int) string {
	b.Helper()
	root, memory := filepath.Join(b.TempDir(), "registry"), store.NewMemory("runs")
	r, err := registry.OpenOn(b.Context(), memory)
	if err != nil {
		b.Fatal(err)
	}
	cells := small.Matrix(small.Tier("tiny"), small.Claims, bench.Explored(500), bench.Environment{Backend: "go"})
	read := map[string]bool{"cidbench-registry.json": true, "index/summary": true}
	for made, variant := 0, 0; made < n; variant++ {
		for _, cell := range cells[:min(len(cells), n-made)] {
			if variant > 0 {
				cell.Spec.Probe = fmt.Sprint("other ", variant)
			} else {
				read["runs/"+cell.Spec.ID()+"/manifest.json"] = true
			}
			result, err := json.Marshal(bench.Result{Loss: float64(made)})
			if err == nil {
				_, err = r.Commit(b.Context(), registry.Manifest{Status: registry.Complete, Key: cell.Spec.Key(), Result: result, Provenance: registry.Provenance{Commit: "a4c86a9"}})
			}
			if err != nil {
				b.Fatal(err)
			}
			made++
		}
	}
	if _, err := r.Reindex(b.Context()); err != nil {
		b.Fatal(err)
	}
	for info, err := range memory.List(b.Context(), "") {
		if err != nil {
			b.Fatal(err)
		}
		path := filepath.Join(root, info.Key)
		err = os.MkdirAll(filepath.Dir(path), 0o777)
		if err == nil && read[info.Key] {
			var data []byte
			if data, _, err = memory.Load(b.Context(), info.Key); err == nil {
				err = os.WriteFile(path, data, 0o444)
			}
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	return root
}

// processorSeconds is what the process has used so far. Other than seconds on the wall, it says something on a machine
// that others use, too.
func processorSeconds(b *testing.B) float64 {
	b.Helper()
	var use syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &use); err != nil {
		b.Fatal(err)
	}
	return time.Duration(use.Utime.Nano() + use.Stime.Nano()).Seconds()
}

// BenchmarkScale is what commands do beside many runs of a directory: the start of a worker, status, the report of a
// tier, and ls.
func BenchmarkScale(b *testing.B) {
	for _, n := range []int{1_000, 10_000, 100_000} {
		root := manyRuns(b, n)
		open := func(b *testing.B, access study.Access) *study.Study {
			s, err := study.Open(b.Context(), small, options(study.Options{Store: root, Access: access}))
			if err != nil {
				b.Fatal(err)
			}
			return s
		}
		for _, work := range []struct {
			name string
			do   func(b *testing.B)
		}{
			{"start", func(b *testing.B) { open(b, study.Write) }},
			{"status", func(b *testing.B) {
				if at, err := open(b, study.Read).Status(b.Context()); err != nil || len(at.Cells) == 0 || at.Cells[0].State != study.Complete {
					b.Fatal(at, err)
				}
			}},
			{"report", func(b *testing.B) {
				if _, _, err := open(b, study.Read).Report(b.Context()); err != nil {
					b.Fatal(err)
				}
			}},
			{"ls", func(b *testing.B) {
				reg, err := registry.OpenExisting(b.Context(), root)
				if err != nil {
					b.Fatal(err)
				}
				o, err := reg.Overview(b.Context())
				if err != nil {
					b.Fatal(err)
				}
				if all, err := study.List(small, o, study.Filter{}); err != nil || len(all) != n {
					b.Fatal(len(all), err)
				}
			}},
		} {
			b.Run(fmt.Sprintf("%s/%d", work.name, n), func(b *testing.B) {
				b.ReportAllocs()
				before := processorSeconds(b)
				for b.Loop() {
					work.do(b)
				}
				b.ReportMetric((processorSeconds(b)-before)/float64(b.N), "cpu-s/op")
			})
		}
	}
}
