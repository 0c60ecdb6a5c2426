package registry_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"github.com/cidbench/cidbench/registry"
)

func TestRunID(t *testing.T) {
	id := func(key string) string {
		t.Helper()
		id, err := registry.RunID(json.RawMessage(key))
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	// A change of this value would orphan every stored run.
	const want = "5dea15e6a5370d9d9399ea60868e972f"
	for _, key := range []string{`{"a":{"c":2,"d":"<&>"},"seed":18446744073709551615}`, ` {"seed" : 18446744073709551615, "a": {"d":"\u003c\u0026>", "c":2} }`} {
		if got := id(key); got != want {
			t.Errorf("RunID(%s) = %s, want %s", key, got, want)
		}
	}
	if id(`{"seed":9007199254740993}`) == id(`{"seed":9007199254740992}`) {
		t.Error("seeds beyond 2^53 are rounded")
	}
}

// storedManifest returns the bytes of a committed manifest.
func storedManifest(tb testing.TB) []byte {
	tb.Helper()
	url := memoryURL(tb)
	r, err := registry.Open(tb.Context(), url)
	if err != nil {
		tb.Fatal(err)
	}
	blob, err := r.PutBlob(tb.Context(), "text/plain", []byte("weights"))
	if err != nil {
		tb.Fatal(err)
	}
	m := newManifest(1, map[string]registry.Descriptor{"checkpoint": blob})
	if _, err := r.Commit(tb.Context(), m); err != nil {
		tb.Fatal(err)
	}
	run, err := registry.RunID(m.Key)
	if err != nil {
		tb.Fatal(err)
	}
	s, err := registry.OpenStore(tb.Context(), url)
	if err != nil {
		tb.Fatal(err)
	}
	data, _, err := s.Load(tb.Context(), "runs/"+run+"/manifest.json")
	if err != nil {
		tb.Fatal(err)
	}
	return data
}

func TestDecodeManifest(t *testing.T) {
	data := storedManifest(t)
	if _, err := registry.DecodeManifest(data); err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(data, []byte(`\u003c`)) || !bytes.HasSuffix(data, []byte("}\n")) || bytes.Count(data, []byte("\n")) != 1 {
		t.Errorf("not one line of JSON without HTML escapes: %s", data)
	}
	for i := range data {
		flipped := bytes.Clone(data)
		flipped[i] ^= 1
		_, err := registry.DecodeManifest(flipped)
		wantErr(t, fmt.Sprintf("byte %d flipped", i), err, registry.ErrCorrupt)
		if i%16 == 0 {
			_, err := registry.DecodeManifest(data[:i])
			wantErr(t, fmt.Sprintf("cut at %d", i), err, registry.ErrCorrupt)
		}
	}
	for old, new := range map[string]string{
		`"status":`:    `"unknown":1,"status":`,
		`"status":"`:   `"status":"failed","status":"`,
		`"run":`:       `"Run":`,
		`"os":`:        `"kernel":1,"os":`,
		`run.v1+json`:  `run.v2+json`,
		`{"artifacts"`: `{ "artifacts"`,
		"}\n":          `}`,
	} {
		if !bytes.Contains(data, []byte(old)) {
			t.Fatalf("no %s in %s", old, data)
		}
		_, err := registry.DecodeManifest(bytes.Replace(data, []byte(old), []byte(new), 1))
		wantErr(t, new, err, registry.ErrCorrupt)
	}
}

func FuzzDecodeManifest(f *testing.F) {
	data := storedManifest(f)
	f.Add(data)
	f.Add(data[:len(data)/2])
	f.Add([]byte(`{"schema":"application/vnd.cidbench.run.v1+json","status":"failed","reason":"x","key":{}}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := registry.DecodeManifest(data)
		if err != nil {
			if !errors.Is(err, registry.ErrCorrupt) {
				t.Errorf("error %v is not ErrCorrupt", err)
			}
			return
		}
		if id, err := registry.RunID(m.Key); err != nil || id != m.Run {
			t.Errorf("run %s has the key of run %s, %v", m.Run, id, err)
		}
	})
}
