// Package storetest holds the contract of registry.Store as tests. The test of
// a store is one call of Run; a store that outlives a process adds
// RunProcesses, and Main in TestMain.
package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/iotest"

	"github.com/cidbench/cidbench/registry"
	"github.com/google/go-cmp/cmp"
)

// Run tests the stores that open returns, each of them empty.
func Run(t *testing.T, open func(t *testing.T) registry.Store) {
	for _, test := range []struct {
		name string
		run  func(*testing.T, registry.Store)
	}{
		{"ReadAfterWrite", testReadAfterWrite},
		{"Absent", testAbsent},
		{"CreateTwice", testCreateTwice},
		{"BadBody", testBadBody},
		{"Cancelled", testCancelled},
		{"Swap", testSwap},
		{"Nested", testNested},
		{"InvalidKeys", testInvalidKeys},
		{"ListOrder", testListOrder},
		{"ListWhileWriting", testListWhileWriting},
		{"RaceToCreate", testRaceToCreate},
		{"RaceToSwap", testRaceToSwap},
		{"WholeReads", testWholeReads},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, open(t)) })
	}
}

func create(ctx context.Context, s registry.Store, key, data string) error {
	return s.Create(ctx, key, strings.NewReader(data), int64(len(data)), registry.DigestOf([]byte(data)))
}

func mustCreate(t *testing.T, s registry.Store, key, data string) {
	t.Helper()
	if err := create(t.Context(), s, key, data); err != nil {
		t.Fatal(err)
	}
}

// wantErr fails unless err is of the given class; nil is a class, too.
func wantErr(t *testing.T, what string, err, class error) {
	t.Helper()
	if !errors.Is(err, class) {
		t.Errorf("%s: got error %v, want %v", what, err, class)
	}
}

// wantData checks a key by every way of reading it.
func wantData(t *testing.T, s registry.Store, key, want string) {
	t.Helper()
	body, info, err := s.Get(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	got, err := io.ReadAll(body)
	if err != nil || string(got) != want {
		t.Errorf("Get %s = %.100q, %v, want %.100q", key, got, err, want)
	}
	stat, err := s.Stat(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	for _, info := range []registry.Info{info, stat} {
		if info.Key != key || info.Size != int64(len(want)) || info.ModTime.IsZero() {
			t.Errorf("%s is described by %+v, want its key, size %d and time", key, info, len(want))
		}
	}
	loaded, version, err := s.Load(t.Context(), key)
	if err != nil || string(loaded) != want || version == "" {
		t.Errorf("Load %s = %.100q, version %q, %v, want %.100q and a version", key, loaded, version, err, want)
	}
}

func keys(t *testing.T, s registry.Store, prefix string) []string {
	t.Helper()
	var keys []string
	for info, err := range s.List(t.Context(), prefix) {
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, info.Key)
	}
	return keys
}

func wantKeys(t *testing.T, s registry.Store, prefix string, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, keys(t, s, prefix)); diff != "" {
		t.Errorf("List %q (-want +got):\n%s", prefix, diff)
	}
}

func testReadAfterWrite(t *testing.T, s registry.Store) {
	for key, data := range map[string]string{
		"empty":             "",
		"small.json":        "{}\n",
		"a/b/c/d/e/f/g":     "deep",
		"large":             strings.Repeat("0123456789abcdef", 1<<16),
		"0._-/" + longest(): "longest segment",
	} {
		mustCreate(t, s, key, data)
		wantData(t, s, key, data)
		wantKeys(t, s, key, key)
		if err := s.Delete(t.Context(), key); err != nil {
			t.Fatal(err)
		}
		_, err := s.Stat(t.Context(), key)
		wantErr(t, "Stat after Delete", err, registry.ErrNotExist)
		wantKeys(t, s, "")
		mustCreate(t, s, key, data) // a deleted key is free again
		wantData(t, s, key, data)
		if err := s.Delete(t.Context(), key); err != nil {
			t.Fatal(err)
		}
	}
	// Create reads body from its start, wherever it stands.
	body := strings.NewReader("rewound")
	body.Seek(0, io.SeekEnd)
	if err := s.Create(t.Context(), "k", body, 7, registry.DigestOf([]byte("rewound"))); err != nil {
		t.Fatal(err)
	}
	wantData(t, s, "k", "rewound")
}

func longest() string {
	key := strings.Repeat("x", 1000)
	for !registry.ValidKey(key) {
		key = key[1:]
	}
	return key
}

func testAbsent(t *testing.T, s registry.Store) {
	ctx := t.Context()
	mustCreate(t, s, "folder/key", "x")
	for _, key := range []string{"absent", "absent/key", "folder", "folder/key2", "folder/key/below"} {
		_, _, err := s.Get(ctx, key)
		wantErr(t, "Get "+key, err, registry.ErrNotExist)
		_, err = s.Stat(ctx, key)
		wantErr(t, "Stat "+key, err, registry.ErrNotExist)
		_, _, err = s.Load(ctx, key)
		wantErr(t, "Load "+key, err, registry.ErrNotExist)
		wantErr(t, "Delete "+key, s.Delete(ctx, key), nil)
		wantKeys(t, s, key+"/absent")
	}
	wantKeys(t, s, "", "folder/key")
	wantData(t, s, "folder/key", "x")
}

func testCreateTwice(t *testing.T, s registry.Store) {
	mustCreate(t, s, "k", "first")
	wantErr(t, "same bytes", create(t.Context(), s, "k", "first"), nil)
	wantErr(t, "other bytes of the same size", create(t.Context(), s, "k", "other"), registry.ErrExist)
	wantErr(t, "other size", create(t.Context(), s, "k", ""), registry.ErrExist)
	wantData(t, s, "k", "first")
	wantKeys(t, s, "", "k")
}

// failing is a body that cannot be read to its end.
type failing struct {
	io.Reader
}

func (failing) Seek(int64, int) (int64, error) { return 0, nil }

func testBadBody(t *testing.T, s registry.Store) {
	data := strings.Repeat("x", 100_000)
	size, sum := int64(len(data)), registry.DigestOf([]byte(data))
	other := registry.DigestOf([]byte("other"))
	broken := errors.New("broken body")
	tests := []struct {
		name string
		body io.ReadSeeker
		size int64
		sum  registry.Digest
		want error
	}{
		{"wrong digest", strings.NewReader(data), size, other, registry.ErrCorrupt},
		{"short", strings.NewReader(data[1:]), size, sum, registry.ErrCorrupt},
		{"empty", strings.NewReader(""), size, sum, registry.ErrCorrupt},
		{"long", strings.NewReader(data + "x"), size, sum, registry.ErrCorrupt},
		{"wrong size", strings.NewReader(data), size - 1, sum, registry.ErrCorrupt},
		{"failing", failing{io.MultiReader(strings.NewReader(data[:70_000]), iotest.ErrReader(broken))}, size, sum, broken},
	}
	for _, test := range tests {
		wantErr(t, test.name, s.Create(t.Context(), "k", test.body, test.size, test.sum), test.want)
		_, err := s.Stat(t.Context(), "k")
		wantErr(t, test.name+": Stat", err, registry.ErrNotExist)
		wantKeys(t, s, "")
	}
	mustCreate(t, s, "k", data)
	wantData(t, s, "k", data)
}

func testCancelled(t *testing.T, s registry.Store) {
	mustCreate(t, s, "there", "x")
	ctx, cancel := context.WithCancel(t.Context())
	cancelling := readerFunc(func(p []byte) (int, error) {
		cancel()
		return copy(p, "a few bytes of many"), nil
	})
	err := s.Create(ctx, "k", failing{cancelling}, 1<<20, registry.DigestOf(nil))
	wantErr(t, "Create while cancelled", err, context.Canceled)
	wantErr(t, "Create", create(ctx, s, "k", "x"), context.Canceled)
	_, err = s.Swap(ctx, "k", "", []byte("x"))
	wantErr(t, "Swap", err, context.Canceled)
	_, _, err = s.Get(ctx, "there")
	wantErr(t, "Get", err, context.Canceled)
	_, err = s.Stat(ctx, "there")
	wantErr(t, "Stat", err, context.Canceled)
	_, _, err = s.Load(ctx, "there")
	wantErr(t, "Load", err, context.Canceled)
	wantErr(t, "Delete", s.Delete(ctx, "there"), context.Canceled)
	yields := 0
	for info, err := range s.List(ctx, "") {
		wantErr(t, "List "+info.Key, err, context.Canceled)
		yields++
	}
	if yields != 1 {
		t.Errorf("List yields %d times, want the error alone", yields)
	}
	wantKeys(t, s, "", "there")
	wantData(t, s, "there", "x")
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func testSwap(t *testing.T, s registry.Store) {
	ctx := t.Context()
	_, err := s.Swap(ctx, "k", "no such version", []byte("x"))
	wantErr(t, "a version of what is absent", err, registry.ErrConflict)
	wantKeys(t, s, "")

	v1, err := s.Swap(ctx, "k", "", []byte("one"))
	wantErr(t, "absent as expected", err, nil)
	wantData(t, s, "k", "one")
	_, err = s.Swap(ctx, "k", "", []byte("x"))
	wantErr(t, "absent against expectation", err, registry.ErrConflict)
	_, loaded, err := s.Load(ctx, "k")
	if err != nil || loaded != v1 {
		t.Errorf("Load has version %q, %v, want that of Swap, %q", loaded, err, v1)
	}

	v2, err := s.Swap(ctx, "k", v1, []byte("two"))
	wantErr(t, "current version", err, nil)
	if v2 == v1 {
		t.Errorf("version %q stays the same while the bytes change", v2)
	}
	_, err = s.Swap(ctx, "k", v1, []byte("x"))
	wantErr(t, "old version", err, registry.ErrConflict)
	wantData(t, s, "k", "two")
	wantErr(t, "Create", create(ctx, s, "k", "x"), registry.ErrExist)

	if err := s.Delete(ctx, "k"); err != nil {
		t.Fatal(err)
	}
	_, err = s.Swap(ctx, "k", v2, []byte("x"))
	wantErr(t, "version of what was deleted", err, registry.ErrConflict)
	wantKeys(t, s, "")
}

func testNested(t *testing.T, s registry.Store) {
	mustCreate(t, s, "a", "file")
	if err := create(t.Context(), s, "a/b", "x"); err != nil {
		wantErr(t, "Create below a key", err, registry.ErrExist)
	}
	if _, err := s.Swap(t.Context(), "a/c", "", []byte("x")); err != nil {
		wantErr(t, "Swap below a key", err, registry.ErrConflict)
	}
	wantData(t, s, "a", "file")
	mustCreate(t, s, "c/d", "in a folder")
	if err := create(t.Context(), s, "c", "x"); err != nil {
		wantErr(t, "Create of a folder", err, registry.ErrExist)
	}
	wantData(t, s, "c/d", "in a folder")
	mustCreate(t, s, "e/f", "in a folder")
	if _, err := s.Swap(t.Context(), "e", "", []byte("x")); err != nil {
		wantErr(t, "Swap of a folder", err, registry.ErrConflict)
	}
	wantData(t, s, "e/f", "in a folder")
}

func testInvalidKeys(t *testing.T, s registry.Store) {
	ctx := t.Context()
	mustCreate(t, s, "there", "x")
	invalid := []string{
		"", "/", ".", "..", "../x", "a/..", "a/../b", "/a", "a/", "a//b", "./a", "a/.b", ".tmp", "A", "a b", "a\\b",
		"a\x00b", "a\nb", "é", "a:b", "a*", "-a", "_a", longest() + "x", strings.Repeat("a/", 500) + "a",
	}
	for _, key := range invalid {
		_, _, getErr := s.Get(ctx, key)
		_, statErr := s.Stat(ctx, key)
		_, _, loadErr := s.Load(ctx, key)
		_, swapErr := s.Swap(ctx, key, "", []byte("x"))
		for method, err := range map[string]error{
			"Get": getErr, "Stat": statErr, "Load": loadErr, "Swap": swapErr,
			"Create": create(ctx, s, key, "x"), "Delete": s.Delete(ctx, key),
		} {
			if err == nil || errors.Is(err, registry.ErrNotExist) {
				t.Errorf("%s %q: got error %v, want that the key is invalid", method, key, err)
			}
		}
	}
	for _, prefix := range []string{"..", "../", "/", "a//", ".tmp/", "a/../"} {
		for info, err := range s.List(ctx, prefix) {
			if err == nil {
				t.Errorf("List %q yields %q", prefix, info.Key)
			}
		}
	}
	wantKeys(t, s, "", "there")
}

func testListOrder(t *testing.T, s registry.Store) {
	// A hyphen and a dot sort before the slash, digits and letters after it.
	all := []string{
		"a-b", "a-b.c", "a.b", "a/b", "a/b-c/d", "a/b.c", "a/c/d/e", "a0/b", "aa", "b/1", "b/10", "b/2", "z",
	}
	for i := range all {
		key := all[(7*i+3)%len(all)] // in another order
		mustCreate(t, s, key, key)
	}
	wantKeys(t, s, "", all...)
	for _, prefix := range []string{"a", "a/", "a/b", "a/c/", "a/c/d", "b/1", "z", "a-", "a-b."} {
		var want []string
		for _, key := range all {
			if strings.HasPrefix(key, prefix) {
				want = append(want, key)
			}
		}
		wantKeys(t, s, prefix, want...)
	}
	wantKeys(t, s, "c")
	wantKeys(t, s, "a/b/c")

	n := 0
	for info, err := range s.List(t.Context(), "") {
		if err != nil || info.Size != int64(len(info.Key)) || info.ModTime.IsZero() {
			t.Errorf("List yields %+v, %v, want the size %d and a time", info, err, len(info.Key))
		}
		if n++; n == 5 {
			break
		}
	}
}

func testListWhileWriting(t *testing.T, s registry.Store) {
	for i := range 10 {
		mustCreate(t, s, fmt.Sprintf("old/%d", i), "x")
	}
	seen := 0
	for info, err := range s.List(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(info.Key, "old/") {
			continue
		}
		mustCreate(t, s, fmt.Sprintf("new/%d", seen), "x")
		if err := s.Delete(t.Context(), info.Key); err != nil {
			t.Fatal(err)
		}
		seen++
	}
	if seen != 10 {
		t.Errorf("saw %d of 10 objects that were there throughout", seen)
	}
	if got := len(keys(t, s, "new/")); got != 10 {
		t.Errorf("%d new objects, want 10", got)
	}
}

const writers = 16

// race runs f for every writer at once.
func race(f func(writer int)) {
	var wg sync.WaitGroup
	start := make(chan struct{})
	for w := range writers {
		wg.Go(func() {
			<-start
			f(w)
		})
	}
	close(start)
	wg.Wait()
}

func testRaceToCreate(t *testing.T, s registry.Store) {
	for round := range 20 {
		key := fmt.Sprintf("round/%d", round)
		var winner string
		var wins atomic.Int32
		race(func(w int) {
			data := fmt.Sprintf("writer %d", w)
			switch err := create(t.Context(), s, key, data); {
			case err == nil:
				if wins.Add(1) == 1 {
					winner = data
				}
			case !errors.Is(err, registry.ErrExist):
				t.Error(err)
			}
		})
		if wins.Load() != 1 {
			t.Fatalf("%s: %d of %d writers won, want 1", key, wins.Load(), writers)
		}
		wantData(t, s, key, winner)
	}
}

// increment adds one to the counter in key. The writer is part of the value,
// as Store asks of those who have to know that they won.
func increment(ctx context.Context, s registry.Store, key, writer string) error {
	for {
		data, version, err := s.Load(ctx, key)
		if err != nil && !errors.Is(err, registry.ErrNotExist) {
			return err
		}
		_, err = s.Swap(ctx, key, version, fmt.Appendf(nil, "%d by %s", count(data)+1, writer))
		if !errors.Is(err, registry.ErrConflict) {
			return err
		}
	}
}

func count(data []byte) int {
	var n int
	fmt.Fscan(bytes.NewReader(data), &n)
	return n
}

func wantCount(t *testing.T, s registry.Store, key string, want int) {
	t.Helper()
	data, _, err := s.Load(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	if got := count(data); got != want {
		t.Errorf("the counter stands at %d, want %d", got, want)
	}
}

func testRaceToSwap(t *testing.T, s registry.Store) {
	const each = 5
	race(func(w int) {
		for range each {
			if err := increment(t.Context(), s, "counter", fmt.Sprint(w)); err != nil {
				t.Error(err)
			}
		}
	})
	wantCount(t, s, "counter", writers*each)
	wantKeys(t, s, "", "counter")
}

// testWholeReads checks that a reader of a key that is being swapped sees whole
// values, and never an older one after a newer one.
func testWholeReads(t *testing.T, s registry.Store) {
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	defer wg.Wait()
	defer stop()
	value := func(n int) []byte { return bytes.Repeat(fmt.Appendf(nil, "%d ", n), 2000) }
	version, err := s.Swap(ctx, "k", "", value(0))
	if err != nil {
		t.Fatal(err)
	}
	for range 4 {
		wg.Go(func() {
			for last := 0; ctx.Err() == nil; {
				data, _, err := s.Load(ctx, "k")
				if ctx.Err() != nil {
					return
				}
				n := count(data)
				if err != nil || n < last || !bytes.Equal(data, value(n)) {
					t.Errorf("Load = %.20q... of %d bytes, %v after value %d", data, len(data), err, last)
					return
				}
				last = n
			}
		})
	}
	for n := range 50 {
		if version, err = s.Swap(ctx, "k", version, value(n+1)); err != nil {
			t.Fatal(err)
		}
	}
}
