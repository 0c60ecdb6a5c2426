package registry_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cidbench/cidbench/registry"
	"github.com/cidbench/cidbench/registry/s3test"
)

const ttl = time.Second

func newRunID(t *testing.T, seed int) string {
	t.Helper()
	run, err := registry.RunID(newManifest(seed, nil).Key)
	if err != nil {
		t.Fatal(err)
	}
	return run
}

// isLost waits a while for the loss of a lease.
func isLost(l *registry.Lease, wait time.Duration) bool {
	select {
	case <-l.Lost():
		return true
	case <-time.After(wait):
	}
	select { // of two that are ready, either may have been chosen
	case <-l.Lost():
		return true
	default:
		return false
	}
}

func TestLease(t *testing.T) {
	ctx := t.Context()
	url := memoryURL(t)
	a, b := openRegistry(t, url), openRegistry(t, url)
	run := newRunID(t, 1)
	lease, err := a.Acquire(ctx, run, "a", ttl)
	if err != nil {
		t.Fatal(err)
	}
	// It is renewed for longer than its term, before the eyes of another.
	for range 6 {
		_, err = b.Acquire(ctx, run, "b", ttl)
		wantErr(t, "a lease that is held", err, registry.ErrHeld)
		time.Sleep(ttl / 3)
	}
	if !strings.Contains(fmt.Sprint(err), `"a"`) {
		t.Errorf("the error does not name the owner: %v", err)
	}
	if isLost(lease, 0) {
		t.Error("a lease that is renewed is lost")
	}
	_, err = a.Acquire(ctx, run, "a", ttl)
	wantErr(t, "one's own lease", err, registry.ErrHeld)
	wantErr(t, "Release", lease.Release(ctx), nil)
	wantErr(t, "Release again", lease.Release(ctx), nil)

	lease, err = b.Acquire(ctx, run, "b", ttl) // at once
	if err != nil {
		t.Fatal(err)
	}
	commit(t, b, newManifest(1, nil))
	wantErr(t, "Release", lease.Release(ctx), nil)
	_, err = a.Acquire(ctx, run, "a", ttl)
	wantErr(t, "a finished run", err, registry.ErrExist)
	for _, bad := range []time.Duration{0, -1, 1 << 62} {
		if _, err := a.Acquire(ctx, newRunID(t, 2), "a", bad); err == nil {
			t.Errorf("a term of %v is accepted", bad)
		}
	}
	if _, err := a.Acquire(ctx, "../x", "a", ttl); err == nil {
		t.Error("../x is accepted as a run id")
	}
	if got := found(t, a, registry.CheckOptions{ReadData: true}); got != nil {
		t.Errorf("Check finds %q", got)
	}
}

// acquireWithin calls Acquire until it succeeds, and returns how long it took.
func acquireWithin(t *testing.T, r *registry.Registry, run string, most time.Duration) (*registry.Lease, time.Duration) {
	t.Helper()
	start := time.Now()
	for {
		lease, err := r.Acquire(t.Context(), run, "b", ttl)
		if err == nil {
			return lease, time.Since(start)
		}
		if !errors.Is(err, registry.ErrHeld) || time.Since(start) > most {
			t.Fatalf("after %v: %v", time.Since(start), err)
		}
		time.Sleep(ttl / 20)
	}
}

// TestLeaseLost cuts an owner off from its store: it knows before another takes
// the lease over.
func TestLeaseLost(t *testing.T) {
	server := s3test.Start(t, s3test.Versitygw)
	url := server.URL("p")
	b := openRegistry(t, url)
	config, err := registry.ParseS3URL(url)
	if err != nil {
		t.Fatal(err)
	}
	var cut atomic.Bool
	config.Transport = func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(r *http.Request) (*http.Response, error) {
			if cut.Load() {
				closeBody(r)
				return nil, syscall.EHOSTUNREACH
			}
			return next.RoundTrip(r)
		})
	}
	a, err := registry.OpenOn(t.Context(), openS3At(t, config))
	if err != nil {
		t.Fatal(err)
	}
	run := newRunID(t, 1)
	lease, err := a.Acquire(t.Context(), run, "a", ttl)
	if err != nil {
		t.Fatal(err)
	}
	_, err = b.Acquire(t.Context(), run, "b", ttl)
	wantErr(t, "a lease that is held", err, registry.ErrHeld)
	cut.Store(true)
	taken, took := acquireWithin(t, b, run, 10*ttl)
	if !isLost(lease, 0) {
		t.Error("the lease is taken over before its owner knows")
	}
	if took < ttl*3/4 {
		t.Errorf("the lease is taken over after %v, its term is %v", took, ttl)
	}
	cut.Store(false)
	wantErr(t, "Release of what is lost", lease.Release(t.Context()), nil)
	if isLost(taken, ttl) {
		t.Error("the new owner loses the lease by the release of the old one")
	}
	wantErr(t, "Release", taken.Release(t.Context()), nil)
}

// TestLeaseDamaged wants that a lease nobody can read is taken over in the end.
func TestLeaseDamaged(t *testing.T) {
	root := t.TempDir()
	r := openRegistry(t, root)
	run := newRunID(t, 1)
	overwrite(t, root, "runs/"+run+"/lease.json", `{"owner":"a","milliseconds":9e99}`)
	lease, took := acquireWithin(t, r, run, 10*ttl)
	if took < ttl {
		t.Errorf("it takes %v, want more than %v", took, ttl)
	}
	wantErr(t, "Release", lease.Release(t.Context()), nil)
}

func TestLeaseRace(t *testing.T) {
	url := memoryURL(t)
	for seed := range 10 {
		var wins atomic.Int64
		var wg sync.WaitGroup
		for w := range 16 {
			wg.Go(func() {
				r, err := registry.Open(t.Context(), url)
				if err != nil {
					t.Error(err)
					return
				}
				lease, err := r.Acquire(t.Context(), newRunID(t, seed), fmt.Sprint(w), time.Minute)
				if err == nil {
					wins.Add(1)
					t.Cleanup(func() { lease.Release(context.Background()) })
				} else if !errors.Is(err, registry.ErrHeld) {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if wins.Load() != 1 {
			t.Errorf("%d of 16 have the lease, want one", wins.Load())
		}
	}
}

const (
	workerVariable = "CIDBENCH_REGISTRY_WORKER"
	cells          = 32
	workers        = 16
)

func TestWorkers(t *testing.T) { testWorkers(t, t.TempDir()) }

func TestWorkersS3(t *testing.T) { testWorkers(t, s3test.Start(t, s3test.Versitygw).URL("p")) }

// testWorkers lets 16 processes compute the cells of a matrix, and kills six of
// them with SIGKILL. Every cell is computed, and again only if the process that
// had begun it was killed.
func testWorkers(t *testing.T, url string) {
	r := openRegistry(t, url)
	executable, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var processes []*exec.Cmd
	for w := range workers {
		cmd := exec.CommandContext(t.Context(), executable)
		cmd.Env = append(os.Environ(), workerVariable+"="+url, fmt.Sprintf("%s=%d", roundVariable, w))
		cmd.Stderr = os.Stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		processes = append(processes, cmd)
	}
	for w := range 6 {
		time.Sleep(100*time.Millisecond + rand.N(100*time.Millisecond))
		processes[w].Process.Kill()
	}
	killed := make(map[string]bool)
	for w, cmd := range processes {
		if err := cmd.Wait(); err != nil && w >= 6 {
			t.Errorf("worker %d: %v", w, err)
		} else if err != nil {
			killed[fmt.Sprint(w)] = true
		}
	}
	begun := 0
	for cell := range cells {
		run := newRunID(t, cell)
		m, _, err := r.Run(t.Context(), run)
		if err != nil {
			t.Errorf("cell %d is lost: %v", cell, err)
			continue
		}
		var begins []string
		for _, event := range collect(t, r.Events(t.Context(), run)) {
			var worker string
			if err := json.Unmarshal(event.Data, &worker); err != nil {
				t.Fatal(err)
			}
			begins = append(begins, worker)
		}
		begun += len(begins)
		for i, worker := range begins {
			if last := i == len(begins)-1; last && worker != m.Provenance.Host || !last && !killed[worker] {
				t.Errorf("cell %d is begun by %q and committed by %s; killed are %v", cell, begins, m.Provenance.Host, killed)
				break
			}
		}
	}
	t.Logf("%d cells, begun %d times", cells, begun)
	if got := found(t, r, registry.CheckOptions{ReadData: true}); got != nil {
		t.Errorf("Check finds %q", got)
	}
}

// work is a process of testWorkers: it computes the cells that nobody else does
// until all are there.
func work(url string) error {
	ctx := context.Background()
	worker := os.Getenv(roundVariable)
	r, err := registry.Open(ctx, url)
	if err != nil {
		return err
	}
	order := rand.Perm(cells)
	for len(order) > 0 {
		for _, cell := range slices.Clone(order) {
			over, err := compute(ctx, r, worker, cell)
			if err != nil {
				return err
			}
			if over {
				order = slices.DeleteFunc(order, func(c int) bool { return c == cell })
			}
		}
		time.Sleep(20 * time.Millisecond)
	}
	return nil
}

// compute reports whether the cell is computed, by this worker or another.
func compute(ctx context.Context, r *registry.Registry, worker string, cell int) (over bool, err error) {
	m := newManifest(cell, nil)
	run, err := registry.RunID(m.Key)
	if err != nil {
		return false, err
	}
	lease, err := r.Acquire(ctx, run, "worker "+worker, 3*time.Second)
	switch {
	case errors.Is(err, registry.ErrExist):
		return true, nil
	case errors.Is(err, registry.ErrHeld):
		return false, nil
	case err != nil:
		return false, err
	}
	if _, err := r.Append(ctx, run, "begin", worker); err != nil {
		return false, err
	}
	select {
	case <-time.After(300*time.Millisecond + rand.N(300*time.Millisecond)):
	case <-lease.Lost():
		return false, nil
	}
	m.Provenance.Host = worker
	if _, err := r.Commit(ctx, m); err != nil {
		return false, err
	}
	return true, lease.Release(ctx)
}
