package registry_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cidbench/cidbench/registry"
	"github.com/cidbench/cidbench/registry/store"
	"github.com/google/go-cmp/cmp"
)

// A countingStore counts requests, and is no namer: as a bucket.
type countingStore struct {
	store.Store
	requests atomic.Int64
}

func (s *countingStore) Get(ctx context.Context, key string) (io.ReadCloser, store.Info, error) {
	s.requests.Add(1)
	return s.Store.Get(ctx, key)
}

func (s *countingStore) Load(ctx context.Context, key string) ([]byte, store.Version, error) {
	s.requests.Add(1)
	return s.Store.Load(ctx, key)
}

func (s *countingStore) List(ctx context.Context, prefix string) iter.Seq2[store.Info, error] {
	return func(yield func(store.Info, error) bool) {
		n := 0
		s.requests.Add(1)
		for info, err := range s.Store.List(ctx, prefix) {
			if n++; n%1000 == 0 {
				s.requests.Add(1)
			}
			if !yield(info, err) {
				return
			}
		}
	}
}

// overviewOf checks an overview against the manifests, and returns the ids of the runs that are finished and others.
func overviewOf(t *testing.T, what string, r *registry.Registry, o *registry.Overview) (finished, others []string) {
	t.Helper()
	for _, s := range o.Finished {
		finished = append(finished, s.Run)
		m, digest, err := r.Run(t.Context(), s.Run)
		if err != nil || s.Err != nil {
			if err == nil || s.Err == nil {
				t.Errorf("%s: run %s: %v, and in the overview %v", what, s.Run, err, s.Err)
			}
			continue
		}
		if s.Status != m.Status || s.ResultDigest != m.ResultDigest || s.Manifest != digest || s.Commit != m.Provenance.Commit || string(s.Key()) != string(m.Key) {
			t.Errorf("%s: run %s is summed up as %+v with the key %s", what, s.Run, s, s.Key())
		}
	}
	for run := range o.Others {
		others = append(others, run)
	}
	slices.Sort(others)
	return finished, others
}

func overview(t *testing.T, r *registry.Registry) *registry.Overview {
	t.Helper()
	o, err := r.Overview(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// TestOverview: on a directory and on what is as costly to list as a bucket, with and without an index, after every
// kind of change, an overview says what the manifests say.
func TestOverview(t *testing.T) {
	for name, s := range map[string]store.Store{"directory": mustDir(t), "bucket": &countingStore{Store: store.NewMemory("overview")}} {
		t.Run(name, func(t *testing.T) {
			r := openOn(t, s)
			var want, begun []string
			check := func(what string) {
				t.Helper()
				slices.Sort(want)
				slices.Sort(begun)
				finished, others := overviewOf(t, what, r, overview(t, r))
				if !slices.Equal(finished, want) || !slices.Equal(others, begun) {
					t.Errorf("%s: %d finished and %d others, want %d and %d", what, len(finished), len(others), len(want), len(begun))
				}
			}
			load := func(key string) []byte {
				data, _, err := s.Load(t.Context(), key)
				if err != nil {
					t.Fatal(err)
				}
				return data
			}
			check("nothing")
			for i := range 120 {
				m := newManifest(i, map[string]registry.Descriptor{"a": putBlob(t, r, fmt.Sprint(i%3))})
				m.Key = json.RawMessage(fmt.Sprintf(`{"arm":%d,"null":null,"seed":%d,"run":"%032x"}`, i%4, i, i))
				if i%2 == 0 {
					m.Key = json.RawMessage(fmt.Sprintf(`{"arm":%d,"seed":%d,"deep":{"step":%d}}`, i%4, i, i))
				}
				run, _ := commit(t, r, m)
				want = append(want, run)
			}
			check("before there is an index")
			index := load("index/summary")
			check("with an index")
			failed, _ := commit(t, r, registry.Manifest{Status: registry.Failed, Reason: "diverged", Key: []byte(`{"seed":"failed"}`)})
			want = append(want, failed)
			if _, err := r.Append(t.Context(), newRunID(t, 1), "checkpoint", 1); err != nil {
				t.Fatal(err)
			}
			begun = append(begun, newRunID(t, 1))
			check("with more than the index has")
			if string(load("index/summary")) != string(index) {
				t.Error("the index is written again for one run")
			}
			if got := found(t, r, registry.CheckOptions{}); got != nil {
				t.Errorf("Check finds %q", got)
			}
			if err := r.Forget(t.Context(), want[5]); err != nil {
				t.Fatal(err)
			}
			begun = append(begun, want[5]) // looked for, and not there
			want = slices.Delete(want, 5, 6)
			check("after one was forgotten")

			// What somebody deletes is missed; what somebody flips is seen.
			gone := want[7]
			if err := s.Delete(t.Context(), "runs/"+gone+"/manifest.json"); err != nil {
				t.Fatal(err)
			}
			if got := found(t, r, registry.CheckOptions{}); !slices.Equal(got, []string{"runs/" + gone + "/manifest.json: missing"}) {
				t.Errorf("Check finds %q", got)
			}
			_, version, _ := s.Load(t.Context(), "index/summary")
			if _, err := s.Swap(t.Context(), "index/summary", version, []byte(strings.Replace(string(index), "complete", "completf", 1))); err != nil {
				t.Fatal(err)
			}
			if got := found(t, r, registry.CheckOptions{}); !slices.Equal(got, []string{"index/summary: flipped"}) {
				t.Errorf("Check of a flipped index finds %q", got)
			}
			want = slices.DeleteFunc(want, func(run string) bool { return run == gone })
			if name == "directory" {
				begun = append(begun, gone) // its folder is there
			}
			check("with a damaged index, which is written anew")
			if got := found(t, r, registry.CheckOptions{}); got != nil {
				t.Errorf("then Check finds %q", got)
			}
		})
	}
}

func mustDir(t *testing.T) store.Store {
	t.Helper()
	s, err := store.NewDir(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestOverviewRequests: beside many runs an overview takes few requests, and a reader writes nothing.
func TestOverviewRequests(t *testing.T) {
	s := &countingStore{Store: store.NewMemory(t.Name())}
	r := openOn(t, s)
	for i := range 3000 {
		m := newManifest(i, nil)
		if _, err := r.Commit(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	overview(t, r)
	s.requests.Store(0)
	if o := overview(t, openOn(t, s)); len(o.Finished) != 3000 {
		t.Errorf("%d runs", len(o.Finished))
	}
	if n := s.requests.Load(); n > 10 {
		t.Errorf("an overview takes %d requests", n)
	}
}

// A mislistingStore is a bucket whose listings name one key more.
type mislistingStore struct {
	countingStore
	extra string
}

func (s *mislistingStore) List(ctx context.Context, prefix string) iter.Seq2[store.Info, error] {
	return func(yield func(store.Info, error) bool) {
		if s.extra != "" && strings.HasPrefix(s.extra, prefix) && !yield(store.Info{Key: s.extra}, nil) {
			return
		}
		s.countingStore.List(ctx, prefix)(yield)
	}
}

// TestIndexBelievesNoListing: what a listing named once, and is not there, is not kept as a run that was begun.
func TestIndexBelievesNoListing(t *testing.T) {
	s := &mislistingStore{countingStore: countingStore{Store: store.NewMemory(t.Name())}}
	r := openOn(t, s)
	finished, _ := commit(t, r, newManifest(3, nil))
	begun := newRunID(t, 1)
	if _, err := r.Append(t.Context(), begun, "checkpoint", 1); err != nil {
		t.Fatal(err)
	}
	s.extra = "runs/" + newRunID(t, 2) + "/lease.json"
	overview(t, r) // which writes the first index, from listings
	s.extra = ""
	got, others := overviewOf(t, "afterwards", r, overview(t, r))
	if !slices.Equal(got, []string{finished}) || !slices.Equal(others, []string{begun}) {
		t.Errorf("the overview has %v, and %v that were begun; want %v and %v", got, others, finished, begun)
	}
}

// TestIndexManyWriters: each commits and keeps the index; none gets lost.
func TestIndexManyWriters(t *testing.T) {
	s := &countingStore{Store: store.NewMemory(t.Name())}
	done := make(chan struct{})
	for w := range 4 {
		r := openOn(t, s)
		go func() {
			defer func() { done <- struct{}{} }()
			for i := range 150 {
				if _, err := r.Commit(t.Context(), newManifest(1000*w+i, nil)); err != nil {
					t.Error(err)
				}
				if i%25 == 0 {
					if _, err := r.Overview(t.Context(), nil); err != nil {
						t.Error(err)
					}
				}
			}
		}()
	}
	for range 4 {
		<-done
	}
	r := openOn(t, s)
	finished, others := overviewOf(t, "in the end", r, overview(t, r))
	if diff := cmp.Diff(collect(t, r.Runs(t.Context())), finished); diff != "" || len(others) > 0 || len(finished) != 600 {
		t.Errorf("%d finished, %d others: %s", len(finished), len(others), diff)
	}
}

// TestBegunIsTold: in a bucket an overview tells of runs that are only leased, and of those that were copied half-way; also when
// the index is written anew, and after a day. It asks for none of them.
func TestBegunIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		from, s := openOn(t, store.NewMemory(t.Name())), &countingStore{Store: store.NewMemory("to " + t.Name())}
		leased, copied, forgotten := newRunID(t, 1), newRunID(t, 2), newRunID(t, 4)
		if _, err := from.Append(t.Context(), copied, "checkpoint", 1); err != nil {
			t.Fatal(err)
		}
		finished, _ := commit(t, from, newManifest(3, nil))
		if _, err := from.Append(t.Context(), finished, "checkpoint", 1); err != nil {
			t.Fatal(err)
		}
		r := openOn(t, s)
		if err := registry.Copy(t.Context(), from, r, nil); err != nil {
			t.Fatal(err)
		}
		for _, run := range []string{leased, forgotten} {
			lease, err := r.Acquire(t.Context(), run, "somebody", time.Minute)
			if err == nil && run == leased {
				_, err = r.Append(t.Context(), run, "checkpoint", 1) // which says nothing new
			}
			if err == nil {
				err = lease.Release(t.Context())
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		marks := func() (n int) {
			for _, err := range s.Store.List(t.Context(), "index/new/") {
				if n++; err != nil {
					t.Fatal(err)
				}
			}
			return n
		}
		if n := marks(); n > 4 {
			t.Errorf("%d marks of 4 runs", n)
		}
		want := []string{leased, copied, forgotten}
		look := func(what string) {
			t.Helper()
			slices.Sort(want)
			o := overview(t, openOn(t, s))
			if got, others := overviewOf(t, what, r, o); !slices.Equal(got, []string{finished}) || !slices.Equal(others, want) {
				t.Errorf("%s: the overview has %v, and %v that were begun; want %v and %v", what, got, others, finished, want)
			}
			s.requests.Store(0)
			for _, run := range want {
				if _, _, err := o.Run(t.Context(), run); !errors.Is(err, registry.ErrNotExist) || s.requests.Load() > 0 {
					t.Errorf("%s: run %s: %v, after %d requests", what, run, err, s.requests.Load())
				}
			}
		}
		look("at once")
		if _, err := r.Reindex(t.Context()); err != nil {
			t.Fatal(err)
		}
		look("with an index")
		if err := r.Forget(t.Context(), forgotten); err != nil {
			t.Fatal(err)
		}
		time.Sleep(25 * time.Hour)
		if _, err := r.Reindex(t.Context()); err != nil {
			t.Fatal(err)
		}
		want = []string{leased, copied}
		look("after a day")
	})
}
