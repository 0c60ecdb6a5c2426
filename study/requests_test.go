package study_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
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

// countedBucket holds a crowd. It counts the requests to its URL.
func countedBucket(tb testing.TB, c crowd) (url string, n *count) {
	tb.Helper()
	direct, err := s3.ParseURL(s3test.Start(tb, s3test.Versitygw).URL("runs"))
	if err != nil {
		tb.Fatal(err)
	}
	to, err := s3.New(direct)
	if err != nil {
		tb.Fatal(err)
	}
	c.bucket(tb, to)
	n = new(count)
	front := httptest.NewServer(counted(tb, direct.Endpoint, n))
	tb.Cleanup(front.Close)
	direct.Endpoint = front.URL
	return direct.String(), n
}

// counted passes requests on as they are, as signatures ask for.
func counted(t testing.TB, to string, n *count) http.Handler {
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

// TestRequests: beside however many runs, in whatever order they came, a command takes at most 50 requests for a tier in a
// bucket, and one that reads writes nothing, not even to probe. That this holds beside 100,000 runs follows from the number
// of packs, which TestPacksStayFew holds; BenchmarkScale measures it.
func TestRequests(t *testing.T) {
	const seeds, most = 40, 50
	for name, scattered := range map[string]bool{"together": false, "scattered": true} {
		t.Run(name, func(t *testing.T) {
			c := makeCrowd(t, 4_500, seeds, scattered)
			url, n := countedBucket(t, c)
			if len(c.cells) < 2*most {
				t.Fatalf("the tier has %d cells, for which a request each would do", len(c.cells))
			}
			for _, command := range commands {
				n.requests.Store(0)
				n.writes.Store(0)
				command.do(t, url, seeds)
				if n := n.requests.Load(); n > most {
					t.Errorf("%s: a tier of %d cells takes %d requests, want at most %d", command.name, len(c.cells), n, most)
				}
				if writes := n.writes.Load(); writes > 0 && command.name != "start" && command.name != "verify" {
					t.Errorf("%s makes %d requests that write", command.name, writes)
				}
			}
		})
	}
}

// TestEvidenceIsOfOriginals: a report believes packs; what is published with it is read from the manifests themselves, and
// has to be the same.
func TestEvidenceIsOfOriginals(t *testing.T) {
	c := makeCrowd(t, 20, 3, false)
	url, _ := countedBucket(t, c)
	save := func() error {
		s := openCrowd(t, url, study.Read, 3)
		r, in, err := s.Report(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return s.WriteEvidence(t.Context(), io.Discard, r, in, nil)
	}
	if err := save(); err != nil {
		t.Fatal(err)
	}
	reg, err := registry.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	m, _, err := reg.Run(t.Context(), c.cells[0].Spec.ID())
	if err != nil {
		t.Fatal(err)
	}
	bucket, err := registry.OpenStore(t.Context(), url)
	if err == nil {
		err = bucket.Delete(t.Context(), "runs/"+m.Run+"/manifest.json")
	}
	if err != nil {
		t.Fatal(err)
	}
	m.Result, m.ResultDigest, m.Seal = json.RawMessage(`{"loss":7}`), "", ""
	if _, err := reg.Commit(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	marks := "index/new/" // by which it would be seen
	for info, err := range bucket.List(t.Context(), marks) {
		if err == nil {
			err = bucket.Delete(t.Context(), info.Key)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := save(); !errors.Is(err, registry.ErrCorrupt) || !strings.Contains(err.Error(), m.Run) {
		t.Errorf("evidence of a manifest that is not in the pack: %v", err)
	}
}

// TestWatchRequests: in a bucket a look asks for little, and sees who is at work before any checkpoint is there.
func TestWatchRequests(t *testing.T) {
	const seeds = 20
	c := makeCrowd(t, 300, seeds, false)
	cells := len(c.cells)
	store, n := countedBucket(t, c)
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

// TestAnalysesOfOthers: a worker among many asks for no checkpoint of the analyses that others are at: of those that it
// knows nothing of, it looks at a few now and then.
func TestAnalysesOfOthers(t *testing.T) {
	const seeds, most = 40, 50
	c := makeCrowd(t, 100, seeds, false)
	url, n := countedBucket(t, c)
	other, tier := *drawn, *drawn.Tier("tiny")
	tier.Analysis.Draws++
	other.Tiers = []*bench.Tier{&tier, drawn.Tier("planned")}
	reg, err := registry.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	pending, err := bench.Analyses(t.Context(), reg.Run, c.cells, tier.Analysis, drawn.Datasets[0].Tree(), bench.Environment{Backend: "go"})
	if err != nil || len(pending) < 2*most {
		t.Fatal(len(pending), err)
	}
	for _, a := range pending {
		lease, err := reg.Acquire(t.Context(), a.Spec.ID(), "somebody", time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		defer lease.Release(t.Context())
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	n.requests.Store(0)
	s, err := study.Open(ctx, &other, options(study.Options{
		Store: url, Access: study.Write, Selection: study.Selection{Seeds: seeds, Arms: []string{"all", "half", "untrained"}},
		Workers: study.Workers{Share: bench.Share{Index: 999, Of: 1000}, Lease: time.Second},
	}))
	if err == nil {
		_, err = s.Analyze(ctx)
	}
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("with all of them held it ends with %v", err)
	}
	if n := n.requests.Load(); n > most {
		t.Errorf("beside %d analyses that others hold, the first seconds take %d requests, want at most %d", len(pending), n, most)
	}
}
