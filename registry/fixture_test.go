package registry_test

import (
	"encoding/json"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cidbench/cidbench/registry"
	"github.com/cidbench/cidbench/registry/store"
	"github.com/cidbench/cidbench/registry/store/storetest"
)

func openRegistry(t *testing.T, url string) *registry.Registry {
	t.Helper()
	r, err := registry.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// newRegistry is empty and in memory.
func newRegistry(t *testing.T) *registry.Registry { return openRegistry(t, memoryURL(t)) }

var memories atomic.Int64

// memoryURL names a store that no other test has, nor this one when repeated.
func memoryURL(t testing.TB) string { return fmt.Sprintf("mem://%s/%d", t.Name(), memories.Add(1)) }

// openOn opens the registry in a store.
func openOn(t *testing.T, s store.Store) *registry.Registry {
	t.Helper()
	r, err := registry.OpenOn(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func putBlob(t *testing.T, r *registry.Registry, data string) registry.Descriptor {
	t.Helper()
	d, err := r.PutBlob(t.Context(), "text/plain", []byte(data))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// newManifest is a complete run with the given seed, finished now.
func newManifest(seed int, artifacts map[string]registry.Descriptor) registry.Manifest {
	return registry.Manifest{
		Status:    registry.Complete,
		Key:       json.RawMessage(fmt.Sprintf(`{"seed": %d, "method": "moco <v3>"}`, seed)),
		Result:    json.RawMessage(`{"top1":0.5}`),
		Artifacts: artifacts,
		Provenance: registry.Provenance{
			Tool: "cidbench 1.0", GoVersion: "go1.26", OS: "linux", Arch: "amd64", Cores: 2, Backend: "go",
			Command: []string{"cidbench", "run"}, Started: time.Now(), Finished: time.Now(),
			Modules: map[string]string{"example.org/m": "v1.0.0"},
		},
	}
}

func commit(t *testing.T, r *registry.Registry, m registry.Manifest) (run string, digest registry.Digest) {
	t.Helper()
	digest, err := r.Commit(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	run, err = registry.RunID(m.Key)
	if err != nil {
		t.Fatal(err)
	}
	return run, digest
}

func collect[T any](t *testing.T, seq iter.Seq2[T, error]) []T {
	t.Helper()
	var all []T
	for v, err := range seq {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, v)
	}
	return all
}

var wantErr = storetest.WantErr

func newRunID(t *testing.T, seed int) string {
	t.Helper()
	run, err := registry.RunID(newManifest(seed, nil).Key)
	if err != nil {
		t.Fatal(err)
	}
	return run
}

// overwrite replaces a file behind the back of the store.
func overwrite(t *testing.T, root, name, content string) {
	t.Helper()
	path := filepath.Join(root, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	os.Remove(path) // it is read-only
	if err := os.WriteFile(path, []byte(content), 0o666); err != nil {
		t.Fatal(err)
	}
}

func readFile(t *testing.T, root, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func remove(t *testing.T, root, name string) {
	t.Helper()
	if err := os.Remove(filepath.Join(root, name)); err != nil {
		t.Fatal(err)
	}
}

func blobName(d registry.Digest) string { return "blobs/sha256/" + d.Hex()[:2] + "/" + d.Hex() }

// found runs a check and returns "key: kind" of every problem.
func found(t *testing.T, r *registry.Registry, opts registry.CheckOptions) []string {
	t.Helper()
	problems, err := r.Check(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, p := range problems {
		if p.Detail == "" {
			t.Errorf("%v has no detail", p)
		}
		lines = append(lines, p.Key+": "+string(p.Kind))
	}
	return lines
}
