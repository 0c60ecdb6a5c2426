package backend

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	. "github.com/gomlx/gomlx/core/graph" //nolint:revive // the graph operations read as a language
	"github.com/gomlx/gomlx/core/tensors"
)

// Products that can run side by side end, whatever the number of threads, with the same bits.
func TestBackendFinishes(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(4))
	const size = 256
	values := make([]float32, size*size)
	for i := range values {
		values[i] = 1 / float32(1+i%97)
	}
	var want []float32
	for threads, workers := range map[int]int{1: 0, 2: 2, 3: 3, 4: -1, 5: -1} {
		devices, err := Backend{Kind: "go"}.Open(1, threads)
		if err != nil {
			t.Fatal(err)
		}
		backend, err := devices.Take()
		if err != nil {
			t.Fatal(err)
		}
		if d := backend.Description(); !strings.Contains(d, fmt.Sprintf("parallelism=%d)", workers)) {
			t.Errorf("%d threads: %s, want %d workers", threads, d, workers)
		}
		products := MustNewExec(backend.Backend, func(x *Node) *Node {
			var all []*Node
			for i := range 8 {
				all = append(all, Dot(x, AddScalar(x, float64(i))).Product())
			}
			return Concatenate(all, 0)
		})
		done := make(chan []float32, 1)
		go func() {
			var got []float32
			for range 2 {
				out := products.MustCall(tensors.FromFlatDataAndDimensions(values, size, size))
				out[0].MustConstFlatData(func(flat any) { got = slices.Clone(flat.([]float32)) })
			}
			done <- got
		}()
		select {
		case got := <-done:
			if want == nil {
				want = got
			}
			if !slices.Equal(got, want) {
				t.Errorf("%d threads change the result", threads)
			}
		case <-time.After(time.Minute):
			t.Fatalf("%d threads wait for each other", threads)
		}
	}
}

// A version of GoMLX without the field is told of in words.
func TestBackendWithoutWorkers(t *testing.T) {
	for _, backend := range []any{&struct{}{}, &struct{ Workers int }{}, 0} {
		if err := bound(backend, 1); err == nil || !strings.Contains(err.Error(), "number of workers") {
			t.Errorf("%T: %v", backend, err)
		}
	}
}

// TestCardMemory: what nvidia-smi prints, a card a line.
func TestCardMemory(t *testing.T) {
	for lines, want := range map[string]int64{"": 0, "81559\n": 81559 << 20, "81559\n 24564\n": 24564 << 20, "[N/A]\n": 0, "81559\nfailed": 0} {
		if got := smallest(lines); got != want {
			t.Errorf("%q: %d, want %d", lines, got, want)
		}
	}
}

func TestCard(t *testing.T) {
	for lines, want := range map[string]string{
		"": "", "NVIDIA H200, 580.65.06\n": "NVIDIA H200, driver 580.65.06", "No devices were found\n": "",
		"NVIDIA H200, 580.65.06\nNVIDIA H200, 580.65.06\nTesla T4, 580.65.06\n": "NVIDIA H200, driver 580.65.06; Tesla T4, driver 580.65.06",
	} {
		if got := card(lines); got != want {
			t.Errorf("%q: %q, want %q", lines, got, want)
		}
	}
	b := Backend{Kind: "xla", Plugin: &Plugin{Kind: "cuda", Package: "jax-cuda13-pjrt 0.12.0", Card: "NVIDIA H200, driver 580.65.06"}}
	if got, want := b.String(), "xla:cuda, jax-cuda13-pjrt 0.12.0, NVIDIA H200, driver 580.65.06"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
