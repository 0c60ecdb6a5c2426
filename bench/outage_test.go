package bench

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cidbench/cidbench/registry"
	"github.com/cidbench/cidbench/registry/s3"
	"github.com/cidbench/cidbench/registry/s3/s3test"
	"github.com/cidbench/cidbench/registry/store"
)

// An outage is of a server that takes 20 ms for everything. It begins when so many checkpoints were saved.
type outage struct {
	server      s3test.Naive
	lasts       time.Duration
	mu          sync.Mutex
	checkpoints int
	since       time.Time
}

func (o *outage) RoundTrip(r *http.Request) (*http.Response, error) {
	o.mu.Lock()
	if r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/events/") {
		if o.checkpoints--; o.checkpoints == 0 {
			o.since = time.Now()
		}
	}
	gone := !o.since.IsZero() && time.Since(o.since) < o.lasts
	o.mu.Unlock()
	if gone {
		if r.Body != nil {
			r.Body.Close()
		}
		return nil, syscall.ECONNREFUSED
	}
	time.Sleep(20 * time.Millisecond)
	return o.server.RoundTrip(r)
}

// TestOutage: a server that is gone for a minute in the midst of trainings costs their leases, and nothing else; one that
// stays away ends the runner in some minutes, and the next one goes on from there. What comes out is what an undisturbed
// run gives, and no cell is finished twice.
func TestOutage(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", s3test.AccessKey)
	t.Setenv("AWS_SECRET_ACCESS_KEY", s3test.SecretKey)
	cells := encoderCells(1)[:3]
	calm := runner(t, t.TempDir())
	if err := calm.Run(t.Context(), cells); err != nil {
		t.Fatal(err)
	}
	want := results(t, calm, cells)
	const ever = 1000 * time.Hour
	for _, lasts := range []time.Duration{time.Minute, ever} {
		t.Run(fmt.Sprint(lasts), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := &outage{lasts: lasts, checkpoints: 20}
				var said atomic.Int64
				ctx := store.WithNotices(t.Context(), func(string) { said.Add(1) })
				var mu sync.Mutex
				finished := map[string]int{}
				work := func() (*Runner, error) {
					s, err := s3.New(s3.Config{Bucket: "bucket", Endpoint: "http://s3", Transport: func(http.RoundTripper) http.RoundTripper { return o }})
					if err != nil {
						t.Fatal(err)
					}
					reg, err := registry.OpenOn(ctx, s)
					if err != nil {
						t.Fatal(err)
					}
					r := *calm
					r.Registry, r.Lease, r.SaveEvery = reg, 20*time.Second, time.Nanosecond
					r.Parallel = 1 // whoever waits for a lock stops the clock of a bubble
					r.Observe = func(e Event) {
						if e.Step > 0 && !e.Done { // what a step takes
							time.Sleep(time.Second)
						}
						mu.Lock()
						defer mu.Unlock()
						if e.Done && !e.Cached {
							finished[e.Run]++
						}
					}
					return &r, r.Run(ctx, cells)
				}
				begin := time.Now()
				r, err := work()
				took, before := time.Since(begin), len(finished)
				if said.Load() == 0 || took < min(lasts, time.Minute) || took > 10*time.Minute {
					t.Errorf("it took %v, and %d notices", took, said.Load())
				}
				if lasts == ever {
					if !errors.Is(err, registry.ErrUnavailable) || before == 0 || before == len(cells) {
						t.Errorf("%d of %d cells are finished: %v", before, len(cells), err)
					}
					o.lasts = 0
					r, err = work()
				}
				if err != nil {
					t.Fatal(err)
				}
				t.Logf("%d cells in %v, %d notices, %d finished before", len(finished), took, said.Load(), before)
				if diff := cmp.Diff(want, results(t, r, cells)); diff != "" {
					t.Error(diff)
				}
				for run, n := range finished {
					if n != 1 {
						t.Errorf("run %s was finished %d times", run, n)
					}
				}
				if len(finished) != len(cells) {
					t.Errorf("%d of %d cells were finished", len(finished), len(cells))
				}
			})
		})
	}
}
