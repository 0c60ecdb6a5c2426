package registry_test

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cidbench/cidbench/registry"
	"github.com/cidbench/cidbench/registry/store"
)

const packedType = "text/plain" // of what putBlob stores

// packedBucket is a bucket with so many runs, each with an artifact of its own, in packs.
func packedBucket(t *testing.T, n int) (s *countingStore, runs []string) {
	t.Helper()
	s = &countingStore{Store: store.NewMemory(t.Name())}
	r := openOn(t, s)
	r.Pack(packedType)
	for i := range n {
		run, _ := commit(t, r, newManifest(i, map[string]registry.Descriptor{"counts": putBlob(t, r, fmt.Sprint("counts ", i))}))
		runs = append(runs, run)
	}
	if _, err := r.Reindex(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s, runs
}

// packs are the keys of the packs of a store.
func packs(t *testing.T, s store.Store) (keys []string) {
	t.Helper()
	for info, err := range s.List(t.Context(), "index/packs/") {
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, info.Key)
	}
	return keys
}

// readAll reads runs and their artifacts by an overview, and wants what the registry itself returns.
func readAll(t *testing.T, what string, r *registry.Registry, o *registry.Overview, runs []string) {
	t.Helper()
	for _, run := range runs {
		want, wantDigest, err := r.Run(t.Context(), run)
		if err != nil {
			t.Fatal(err)
		}
		got, digest, err := o.Run(t.Context(), run)
		if err != nil || digest != wantDigest || got.Seal != want.Seal {
			t.Errorf("%s: run %s is read as %s, %v, want %s", what, run, digest, err, wantDigest)
		}
		for _, d := range got.Artifacts {
			if data, err := o.Blob(t.Context(), d); err != nil || registry.DigestOf(data) != d.Digest {
				t.Errorf("%s: run %s: artifact of %d bytes, %v", what, run, len(data), err)
			}
		}
	}
}

// TestPacks: runs are read from packs as they are stored, without a request for each; what nothing tells of is not
// asked for.
func TestPacks(t *testing.T) {
	s, runs := packedBucket(t, 400)
	r := openOn(t, s)
	s.requests.Store(0)
	o := overview(t, r)
	for _, run := range runs {
		m, _, err := o.Run(t.Context(), run)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := o.Blob(t.Context(), m.Artifacts["counts"]); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 100 {
		_, _, err := o.Run(t.Context(), newRunID(t, 1000+i))
		wantErr(t, "Run", err, registry.ErrNotExist)
	}
	if n := s.requests.Load(); n > 4 { // marks, index, a pack
		t.Errorf("%d runs take %d requests", len(runs), n)
	}
	readAll(t, "from packs", r, o, runs)
	if !o.Has(runs[0]) || o.Has(newRunID(t, 1000)) {
		t.Error("an overview does not know which runs there are")
	}

	// What happens later is seen by marks.
	if err := r.Forget(t.Context(), runs[0]); err != nil {
		t.Fatal(err)
	}
	late, _ := commit(t, r, newManifest(2000, nil))
	o = overview(t, openOn(t, s))
	_, _, err := o.Run(t.Context(), runs[0])
	wantErr(t, "Run of what was forgotten", err, registry.ErrNotExist)
	readAll(t, "after packing", r, o, append(runs[1:], late))
}

// TestPacksAreDerived: packs may be deleted or damaged at any time; the originals are read, Check says what is damaged,
// and the next writer of the index packs again.
func TestPacksAreDerived(t *testing.T) {
	s, runs := packedBucket(t, 50)
	all := packs(t, s) // some of which the index names no more
	for _, key := range all {
		pack, version, err := s.Load(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		pack[len(pack)/3] ^= 1
		if _, err = s.Swap(t.Context(), key, version, pack); err != nil {
			t.Fatal(err)
		}
	}
	r := openOn(t, s)
	readAll(t, "a flipped pack", r, overview(t, r), runs)
	if got := found(t, r, registry.CheckOptions{}); len(got) != 1 || !strings.HasPrefix(got[0], "index/packs/") || !strings.HasSuffix(got[0], ": flipped") {
		t.Errorf("Check finds %q", got)
	}
	mendings, err := r.Repair(t.Context(), registry.RepairOptions{Remove: true})
	if err != nil || len(mendings) != 1 || mendings[0].Remedy != registry.Drop {
		t.Errorf("Repair does %v, %v", mendings, err)
	}
	if got := found(t, r, registry.CheckOptions{}); got != nil || len(packs(t, s)) != len(all)-1 {
		t.Errorf("then Check finds %q", got)
	}
	r = openOn(t, s)
	readAll(t, "without packs", r, overview(t, r), runs)
	for i := range 20 { // enough for the index to be written
		commit(t, r, newManifest(100+i, nil))
	}
	overview(t, openOn(t, s))
	s.requests.Store(0)
	o := overview(t, openOn(t, s))
	for _, run := range runs {
		if _, _, err := o.Run(t.Context(), run); err != nil {
			t.Fatal(err)
		}
	}
	if n := s.requests.Load(); n > 10 { // some for what the index lacks
		t.Errorf("packed again, %d runs take %d requests", len(runs), n)
	}
}

// TestCheckComparesPacks: a pack whose digest is in the index and that holds another manifest, whole in itself, is found.
func TestCheckComparesPacks(t *testing.T) {
	s, runs := packedBucket(t, 20)
	m, _, err := openOn(t, s).Run(t.Context(), runs[3])
	if err != nil {
		t.Fatal(err)
	}
	m.Result, m.ResultDigest, m.Seal = json.RawMessage(`{"top1":0.9}`), "", ""
	// What a forger would do: the same runs, but for one, in a registry of its own, whose index and packs are put here.
	forged := &countingStore{Store: store.NewMemory(t.Name() + " forged")}
	f := openOn(t, forged)
	if err := registry.Copy(t.Context(), openOn(t, s), f, nil); err != nil {
		t.Fatal(err)
	}
	if err := forged.Delete(t.Context(), "runs/"+runs[3]+"/manifest.json"); err != nil {
		t.Fatal(err)
	}
	commit(t, f, m)
	if _, err := f.Reindex(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, key := range append(packs(t, forged), "index/summary") {
		data, _, err := forged.Load(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		_, version, _ := s.Load(t.Context(), key)
		if _, err := s.Swap(t.Context(), key, version, data); err != nil {
			t.Fatal(err)
		}
	}
	r := openOn(t, s)
	if got, _, err := overview(t, r).Run(t.Context(), runs[3]); err != nil || string(got.Result) != string(m.Result) {
		t.Fatalf("the forgery is not believed: %s, %v; then this test shows nothing", got.Result, err)
	}
	if got := found(t, r, registry.CheckOptions{}); !slices.Equal(got, []string{"runs/" + runs[3] + "/manifest.json: bad manifest"}) {
		t.Errorf("Check finds %q", got)
	}
	if _, err := r.Reindex(t.Context()); err != nil {
		t.Fatal(err)
	}
	readAll(t, "packed anew", r, overview(t, openOn(t, s)), runs)
}

// An agedPacks says of packs that they are old.
type agedPacks struct{ *countingStore }

func (s agedPacks) List(ctx context.Context, prefix string) iter.Seq2[store.Info, error] {
	return func(yield func(store.Info, error) bool) {
		for info, err := range s.countingStore.List(ctx, prefix) {
			if strings.HasPrefix(info.Key, "index/packs/") {
				info.ModTime = info.ModTime.Add(-25 * time.Hour)
			}
			if !yield(info, err) {
				return
			}
		}
	}
}

// TestPacksStayFew: however small the steps in which runs come, the packs are few, old ones go, and each run is in one.
func TestPacksStayFew(t *testing.T) {
	s := agedPacks{&countingStore{Store: store.NewMemory(t.Name())}}
	r := openOn(t, s)
	var runs []string
	most := 0
	for i := range 1600 {
		run, _ := commit(t, r, newManifest(i, nil))
		if runs = append(runs, run); i%20 == 19 {
			overview(t, r)
			most = max(most, len(packs(t, s)))
		}
	}
	if most < 2 || most > 5 {
		t.Errorf("%d runs, 20 at a time, are in up to %d packs", len(runs), most)
	}
	reader := openOn(t, s)
	s.requests.Store(0)
	o := overview(t, reader)
	for _, run := range runs {
		if _, _, err := o.Run(t.Context(), run); err != nil {
			t.Fatal(err)
		}
	}
	if n := s.requests.Load(); n > int64(2+most) {
		t.Errorf("%d runs in %d packs take %d requests", len(runs), most, n)
	}
}
