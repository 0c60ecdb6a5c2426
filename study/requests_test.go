package study_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/bench/dataset"
	"github.com/cidbench/cidbench/registry"
	"github.com/cidbench/cidbench/registry/s3"
	"github.com/cidbench/cidbench/registry/s3/s3test"
	"github.com/cidbench/cidbench/study"
)

// drawn is small with images that are what their digest says.
var drawn = func() *bench.Catalogue {
	c := *small
	dots := *small.Datasets[0]
	dots.Digest = "sha256:43292fd20e2c1553574fec52d9d3bd14e666bf7b4d9e901fce7998dbf3c3af2d"
	c.Datasets = []*dataset.Source{&dots}
	return &c
}()

// count is of the requests to a server, and of those that may change something.
type count struct{ requests, writes atomic.Int64 }

// countedBucket holds the finished runs of the tiny tier, with their index. It counts the requests to its URL.
func countedBucket(t *testing.T, seeds int) (url string, cells int, n *count) {
	t.Helper()
	direct, err := s3.ParseURL(s3test.Start(t, s3test.Versitygw).URL("runs"))
	if err != nil {
		t.Fatal(err)
	}
	r, err := registry.Open(t.Context(), direct.String())
	if err != nil {
		t.Fatal(err)
	}
	all := drawn.Matrix(drawn.Tier("tiny"), drawn.Claims, bench.Explored(seeds), bench.Environment{Backend: "go", Method: drawn.Tier("tiny").Train.ID().Version})
	for i, cell := range all {
		result, err := json.Marshal(bench.Result{Loss: float64(i)})
		if err == nil {
			_, err = r.Commit(t.Context(), registry.Manifest{Status: registry.Complete, Key: cell.Spec.Key(), Result: result})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := r.Reindex(t.Context()); err != nil {
		t.Fatal(err)
	}
	n = new(count)
	front := httptest.NewServer(counted(t, direct.Endpoint, n))
	t.Cleanup(front.Close)
	direct.Endpoint = front.URL
	return direct.String(), len(all), n
}

// counted passes requests on as they are, as signatures ask for.
func counted(t *testing.T, to string, n *count) http.Handler {
	target, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	return &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		n.requests.Add(1)
		if r.In.Method != http.MethodGet && r.In.Method != http.MethodHead {
			n.writes.Add(1)
		}
		r.Out.URL.Scheme, r.Out.URL.Host, r.Out.Host = target.Scheme, target.Host, r.In.Host
	}}
}

// TestRequests: in a bucket, a worker asks for none of the runs that the index knows, and a report for each once; it
// writes nothing, not even to probe.
func TestRequests(t *testing.T) {
	const seeds, others = 40, 50
	store, cells, n := countedBucket(t, seeds)
	open := func(access study.Access) *study.Study {
		n.requests.Store(0)
		n.writes.Store(0)
		s, err := study.Open(t.Context(), drawn, options(study.Options{
			Store: store, Access: access, Selection: study.Selection{Seeds: seeds},
		}))
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	if err := open(study.Write).Run(t.Context()); err != nil {
		t.Error(err)
	}
	if n := n.requests.Load(); n > others {
		t.Errorf("a worker that finds all of %d runs there takes %d requests, want at most %d", cells, n, others)
	}
	asked := cells + seeds // the analyses of untrained encoders
	if _, _, err := open(study.Read).Report(t.Context()); err != nil {
		t.Error(err)
	}
	if n := n.requests.Load(); n > int64(asked+others) {
		t.Errorf("a report that looks for %d runs takes %d requests, want at most %d more", asked, n, others)
	}
	if writes := n.writes.Load(); writes > 0 {
		t.Errorf("a report makes %d requests that write", writes)
	}
}

// TestWatchRequests: in a bucket a look asks for little, and sees who is at work before any checkpoint is there.
func TestWatchRequests(t *testing.T) {
	const seeds = 20
	store, cells, n := countedBucket(t, seeds)
	r, err := registry.Open(t.Context(), store)
	if err != nil {
		t.Fatal(err)
	}
	s, err := study.Open(t.Context(), drawn, options(study.Options{Store: store, Selection: study.Selection{Seeds: seeds + 1}}))
	if err != nil {
		t.Fatal(err)
	}
	missing := drawn.Matrix(drawn.Tier("tiny"), drawn.Claims, bench.Explored(seeds+1), bench.Environment{Backend: "go", Method: drawn.Tier("tiny").Train.ID().Version})
	for _, cell := range missing {
		if cell.Seed == seeds && cell.Arm == "half" {
			lease, err := r.Acquire(t.Context(), cell.Spec.ID(), "somebody", time.Minute)
			if err != nil {
				t.Fatal(err)
			}
			defer lease.Release(t.Context())
		}
	}
	w := s.Watch()
	for range 2 {
		n.requests.Store(0)
		n.writes.Store(0)
		at, err := w.Look(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if at.Counts[study.Complete] != cells || at.Counts[study.Held] != 1 || len(at.Cells) != 1 || at.Cells[0].Owner != "somebody" {
			t.Errorf("%v, %+v", at.Counts, at.Cells)
		}
		if n.requests.Load() > 10 || n.writes.Load() > 0 {
			t.Errorf("a look takes %d requests, %d of them to write", n.requests.Load(), n.writes.Load())
		}
	}
	if at, err := s.Status(t.Context()); err != nil || at.Counts[study.Held] != 1 || at.Counts[study.Complete] != cells {
		t.Errorf("status says %+v, %v", at, err)
	}
}
