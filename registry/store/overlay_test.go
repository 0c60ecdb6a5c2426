package store_test

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/cidbench/cidbench/registry/store"
	"github.com/cidbench/cidbench/registry/store/storetest"
)

func TestOverlay(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store {
		return store.NewOverlay(store.NewMemory(t.Name()), store.NewMemory("nothing"))
	})
}

// TestOverlayReadsItsBase and never writes there.
func TestOverlayReadsItsBase(t *testing.T) {
	top, base := store.NewMemory("top"), store.NewMemory("base")
	create := func(s store.Store, key, text string) error {
		return s.Create(t.Context(), key, bytes.NewReader([]byte(text)), int64(len(text)), store.DigestOf([]byte(text)))
	}
	for s, key := range map[store.Store]string{top: "a/new", base: "a/old"} {
		if err := create(s, key, key); err != nil {
			t.Fatal(err)
		}
	}
	o := store.NewOverlay(top, base)
	if err := create(o, "a/old", "a/old"); err != nil {
		t.Errorf("creating what the base has: %v", err)
	}
	if err := create(o, "a/old", "other"); !errors.Is(err, store.ErrExist) {
		t.Errorf("creating otherwise what the base has: %v", err)
	}
	for _, key := range []string{"a/new", "a/old"} {
		body, _, err := o.Get(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		if text, _ := io.ReadAll(body); string(text) != key {
			t.Errorf("%s holds %q", key, text)
		}
		body.Close()
		if info, err := o.Stat(t.Context(), key); err != nil || info.Size != 5 {
			t.Errorf("%s: %+v, %v", key, info, err)
		}
	}
	_, version, err := o.Load(t.Context(), "a/old")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := o.Swap(t.Context(), "a/old", version, nil); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("swapping what the base has: %v", err)
	}
	if err := o.Delete(t.Context(), "a/old"); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("deleting what the base has: %v", err)
	}
	var keys []string
	for info, err := range o.List(t.Context(), "a/") {
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, info.Key)
	}
	if len(keys) != 2 || keys[0] != "a/new" || keys[1] != "a/old" {
		t.Errorf("keys %v", keys)
	}
	if _, err := base.Stat(t.Context(), "a/new"); !errors.Is(err, store.ErrNotExist) {
		t.Errorf("the base was written to: %v", err)
	}
}
