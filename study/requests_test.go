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
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

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

// count is of the requests to a server, of those that may change something, and of those that list the names of runs.
type count struct{ requests, writes, names atomic.Int64 }

func (n *count) reset() {
	n.requests.Store(0)
	n.writes.Store(0)
	n.names.Store(0)
}

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
		if r.In.URL.Query().Get("prefix") == "runs/runs/" {
			n.names.Add(1)
		}
		r.Out.URL.Scheme, r.Out.URL.Host, r.Out.Host = target.Scheme, target.Host, r.In.Host
	}}
}

// TestRequests: beside however many runs, in whatever order they came, a command takes at most 50 requests for a tier in a
// bucket that is all there, and one that reads writes nothing, not even to probe. That this holds beside 100,000 runs follows from the number
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
				n.reset()
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

// TestRequestsOfTheUnfinished: where cells are missing, begun, held and failed, status takes at most 50 requests, too, and
// sees all of it, but of whom nobody was asked who holds them. Nor does any command list the names of all runs, of which
// there may be any number.
func TestRequestsOfTheUnfinished(t *testing.T) {
	const seeds, more, most = 20, 40, 50
	c := makeCrowd(t, 300, seeds, true)
	url, n := countedBucket(t, c)
	r, err := registry.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	missing := drawn.Matrix(drawn.Tier("tiny"), drawn.Claims, bench.Explored(seeds+more), bench.Environment{Backend: "go", Method: drawn.Tier("tiny").Train.ID().Version})
	missing = slices.DeleteFunc(missing, func(cell bench.Cell) bool {
		return slices.ContainsFunc(c.cells, func(there bench.Cell) bool { return there.Spec.ID() == cell.Spec.ID() })
	})
	want := map[study.State]int{study.Complete: len(c.cells), study.Missing: len(missing)}
	next := func(state study.State) bench.Cell {
		cell := missing[0]
		missing = missing[1:]
		want[study.Missing]--
		want[state]++
		return cell
	}
	begin := func(state study.State) *registry.Lease {
		t.Helper()
		lease, err := r.Acquire(t.Context(), next(state).Spec.ID(), "somebody", time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		return lease
	}
	status := func() *study.Standing {
		t.Helper()
		n.reset()
		at, err := openCrowd(t, url, study.Read, seeds+more).Status(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%d requests", n.requests.Load())
		if requests := n.requests.Load(); requests > most || n.writes.Load() > 0 || n.names.Load() > 0 {
			t.Errorf("status takes %d requests, %d to write and %d for names", requests, n.writes.Load(), n.names.Load())
		}
		return at
	}
	for range 14 {
		defer begin(study.Held).Release(t.Context())
		if err := begin(study.Begun).Release(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 { // as they are after they were copied
		if _, err := r.Append(t.Context(), next(study.Begun).Spec.ID(), "checkpoint", map[string]int{"step": 3}); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 3 {
		m := registry.Manifest{Status: registry.Failed, Reason: "diverged", Key: next(study.Failed).Spec.Key(), Provenance: registry.Provenance{WallSeconds: float64(i)}}
		if _, err := r.Commit(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	if want[study.Missing] < 60 {
		t.Fatalf("%d cells are missing", want[study.Missing])
	}
	at := status()
	if diff := cmp.Diff(want, at.Counts); diff != "" || at.Unread != 0 {
		t.Errorf("%d are not read: %s", at.Unread, diff)
	}
	for _, cell := range at.Cells {
		if cell.State == study.Failed && cell.Reason != "diverged" || cell.State == study.Held && cell.Owner != "somebody" {
			t.Errorf("%+v", cell)
		}
	}
	for range 20 { // more than there is time to ask about
		defer begin(study.Begun).Release(t.Context())
	}
	if at = status(); at.Unread != 20 || at.Counts[study.Held]+at.Counts[study.Begun] != 50 {
		t.Errorf("%v, of which %d are not read", at.Counts, at.Unread)
	}
	n.reset()
	if _, _, err := openCrowd(t, url, study.Read, seeds+more).Report(t.Context()); err != nil || n.requests.Load() > most || n.names.Load() > 0 {
		t.Errorf("a report takes %d requests, %d for names: %v", n.requests.Load(), n.names.Load(), err)
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
		n.reset()
		at, err := w.Look(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if at.Counts[study.Complete] != cells || at.Counts[study.Held] != 1 || len(at.Cells) != 1 || at.Cells[0].Owner != "somebody" {
			t.Errorf("%v, %+v", at.Counts, at.Cells)
		}
		if n.requests.Load() > 10 || n.writes.Load() > 0 || n.names.Load() > 0 {
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
