// Package storetest holds the contract of store.Store as tests. The test of a store is one call of Run; a store
// that outlives a process adds RunProcesses, and Main in TestMain.
package storetest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/cidbench/cidbench/registry/store"
	"github.com/google/go-cmp/cmp"
)

// Run tests the stores that open returns, each of them empty.
func Run(t *testing.T, open func(t *testing.T) store.Store) {
	for _, test := range []struct {
		name string
		run  func(*testing.T, store.Store)
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

func create(ctx context.Context, s store.Store, key, data string) error {
	return s.Create(ctx, key, strings.NewReader(data), int64(len(data)), store.DigestOf([]byte(data)))
}

// everyMethod calls all methods that take a key.
func everyMethod(ctx context.Context, s store.Store, key string) map[string]error {
	_, _, getErr := s.Get(ctx, key)
	_, statErr := s.Stat(ctx, key)
	_, _, loadErr := s.Load(ctx, key)
	_, swapErr := s.Swap(ctx, key, "", []byte("x"))
	return map[string]error{
		"Get": getErr, "Stat": statErr, "Load": loadErr, "Swap": swapErr,
		"Create": create(ctx, s, key, "x"), "Delete": s.Delete(ctx, key),
	}
}

func mustCreate(t *testing.T, s store.Store, key, data string) {
	t.Helper()
	if err := create(t.Context(), s, key, data); err != nil {
		t.Fatal(err)
	}
}

// WantErr is an error of the test unless err is of the given class; nil is a class, too.
func WantErr(t *testing.T, what string, err, class error) {
	t.Helper()
	if !errors.Is(err, class) {
		t.Errorf("%s: got error %v, want %v", what, err, class)
	}
}

// wantData checks a key by every way of reading it.
func wantData(t *testing.T, s store.Store, key, want string) {
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
	for _, info := range []store.Info{info, stat} {
		if info.Key != key || info.Size != int64(len(want)) || info.ModTime.IsZero() {
			t.Errorf("%s is described by %+v, want its key, size %d and time", key, info, len(want))
		}
	}
	loaded, version, err := s.Load(t.Context(), key)
	if err != nil || string(loaded) != want || version == "" {
		t.Errorf("Load %s = %.100q, version %q, %v, want %.100q and a version", key, loaded, version, err, want)
	}
}

func keys(t *testing.T, s store.Store, prefix string) []string {
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

func wantKeys(t *testing.T, s store.Store, prefix string, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, keys(t, s, prefix)); diff != "" {
		t.Errorf("List %q (-want +got):\n%s", prefix, diff)
	}
}

func testReadAfterWrite(t *testing.T, s store.Store) {
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
		WantErr(t, "Stat after Delete", err, store.ErrNotExist)
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
	if err := s.Create(t.Context(), "k", body, 7, store.DigestOf([]byte("rewound"))); err != nil {
		t.Fatal(err)
	}
	wantData(t, s, "k", "rewound")
}

func longest() string {
	key := strings.Repeat("x", 1000)
	for !store.ValidKey(key) {
		key = key[1:]
	}
	return key
}

func testAbsent(t *testing.T, s store.Store) {
	ctx := t.Context()
	mustCreate(t, s, "folder/key", "x")
	for _, key := range []string{"absent", "absent/key", "folder", "folder/key2", "folder/key/below"} {
		_, _, err := s.Get(ctx, key)
		WantErr(t, "Get "+key, err, store.ErrNotExist)
		_, err = s.Stat(ctx, key)
		WantErr(t, "Stat "+key, err, store.ErrNotExist)
		_, _, err = s.Load(ctx, key)
		WantErr(t, "Load "+key, err, store.ErrNotExist)
		WantErr(t, "Delete "+key, s.Delete(ctx, key), nil)
		wantKeys(t, s, key+"/absent")
	}
	wantKeys(t, s, "", "folder/key")
	wantData(t, s, "folder/key", "x")
}

func testCreateTwice(t *testing.T, s store.Store) {
	mustCreate(t, s, "k", "first")
	WantErr(t, "same bytes", create(t.Context(), s, "k", "first"), nil)
	WantErr(t, "other bytes of the same size", create(t.Context(), s, "k", "other"), store.ErrExist)
	WantErr(t, "other size", create(t.Context(), s, "k", ""), store.ErrExist)
	wantData(t, s, "k", "first")
	wantKeys(t, s, "", "k")
}

// failing is a body that cannot be read to its end.
type failing struct {
	io.Reader
}

func (failing) Seek(int64, int) (int64, error) { return 0, nil }

func testBadBody(t *testing.T, s store.Store) {
	data := strings.Repeat("x", 100_000)
	size, sum := int64(len(data)), store.DigestOf([]byte(data))
	other := store.DigestOf([]byte("other"))
	broken := errors.New("broken body")
	tests := []struct {
		name string
		body io.ReadSeeker
		size int64
		sum  store.Digest
		want error
	}{
		{"wrong digest", strings.NewReader(data), size, other, store.ErrCorrupt},
		{"short", strings.NewReader(data[1:]), size, sum, store.ErrCorrupt},
		{"empty", strings.NewReader(""), size, sum, store.ErrCorrupt},
		{"long", strings.NewReader(data + "x"), size, sum, store.ErrCorrupt},
		{"wrong size", strings.NewReader(data), size - 1, sum, store.ErrCorrupt},
		{"failing", failing{io.MultiReader(strings.NewReader(data[:70_000]), iotest.ErrReader(broken))}, size, sum, broken},
	}
	for _, test := range tests {
		WantErr(t, test.name, s.Create(t.Context(), "k", test.body, test.size, test.sum), test.want)
		_, err := s.Stat(t.Context(), "k")
		WantErr(t, test.name+": Stat", err, store.ErrNotExist)
		wantKeys(t, s, "")
	}
	mustCreate(t, s, "k", data)
	wantData(t, s, "k", data)
}

func testCancelled(t *testing.T, s store.Store) {
	mustCreate(t, s, "there", "x")
	ctx, cancel := context.WithCancel(t.Context())
	cancelling := readerFunc(func(p []byte) (int, error) {
		cancel()
		return copy(p, "a few bytes of many"), nil
	})
	err := s.Create(ctx, "k", failing{cancelling}, 1<<20, store.DigestOf(nil))
	WantErr(t, "Create while cancelled", err, context.Canceled)
	for _, key := range []string{"k", "there"} {
		for method, err := range everyMethod(ctx, s, key) {
			WantErr(t, method+" "+key, err, context.Canceled)
		}
	}
	yields := 0
	for info, err := range s.List(ctx, "") {
		WantErr(t, "List "+info.Key, err, context.Canceled)
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

func testSwap(t *testing.T, s store.Store) {
	ctx := t.Context()
	_, err := s.Swap(ctx, "k", "no such version", []byte("x"))
	WantErr(t, "a version of what is absent", err, store.ErrConflict)
	wantKeys(t, s, "")

	v1, err := s.Swap(ctx, "k", "", []byte("one"))
	WantErr(t, "absent as expected", err, nil)
	wantData(t, s, "k", "one")
	_, err = s.Swap(ctx, "k", "", []byte("x"))
	WantErr(t, "absent against expectation", err, store.ErrConflict)
	_, loaded, err := s.Load(ctx, "k")
	if err != nil || loaded != v1 {
		t.Errorf("Load has version %q, %v, want that of Swap, %q", loaded, err, v1)
	}

	v2, err := s.Swap(ctx, "k", v1, []byte("two"))
	WantErr(t, "current version", err, nil)
	if v2 == v1 {
		t.Errorf("version %q stays the same while the bytes change", v2)
	}
	_, err = s.Swap(ctx, "k", v1, []byte("x"))
	WantErr(t, "old version", err, store.ErrConflict)
	wantData(t, s, "k", "two")
	WantErr(t, "Create", create(ctx, s, "k", "x"), store.ErrExist)

	if err := s.Delete(ctx, "k"); err != nil {
		t.Fatal(err)
	}
	_, err = s.Swap(ctx, "k", v2, []byte("x"))
	WantErr(t, "version of what was deleted", err, store.ErrConflict)
	wantKeys(t, s, "")
}

func testNested(t *testing.T, s store.Store) {
	mustCreate(t, s, "a", "file")
	if err := create(t.Context(), s, "a/b", "x"); err != nil {
		WantErr(t, "Create below a key", err, store.ErrExist)
	}
	if _, err := s.Swap(t.Context(), "a/c", "", []byte("x")); err != nil {
		WantErr(t, "Swap below a key", err, store.ErrConflict)
	}
	wantData(t, s, "a", "file")
	mustCreate(t, s, "c/d", "in a folder")
	if err := create(t.Context(), s, "c", "x"); err != nil {
		WantErr(t, "Create of a folder", err, store.ErrExist)
	}
	wantData(t, s, "c/d", "in a folder")
	mustCreate(t, s, "e/f", "in a folder")
	if _, err := s.Swap(t.Context(), "e", "", []byte("x")); err != nil {
		WantErr(t, "Swap of a folder", err, store.ErrConflict)
	}
	wantData(t, s, "e/f", "in a folder")
}

func testInvalidKeys(t *testing.T, s store.Store) {
	ctx := t.Context()
	mustCreate(t, s, "there", "x")
	invalid := []string{
		"", "/", ".", "..", "../x", "a/..", "a/../b", "/a", "a/", "a//b", "./a", "a/.b", ".tmp", "A", "a b", "a\\b",
		"a\x00b", "a\nb", "é", "a:b", "a*", "-a", "_a", longest() + "x", strings.Repeat("a/", 500) + "a",
	}
	for _, key := range invalid {
		for method, err := range everyMethod(ctx, s, key) {
			if err == nil || errors.Is(err, store.ErrNotExist) {
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

func testListOrder(t *testing.T, s store.Store) {
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

func testListWhileWriting(t *testing.T, s store.Store) {
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
