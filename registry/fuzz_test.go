package registry

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/cidbench/cidbench/registry/store"
)

// oneRun is a registry in memory with a run that has an artifact and a signature.
func oneRun(t testing.TB) *Registry {
	t.Helper()
	r, err := OpenOn(t.Context(), store.NewMemory("fuzz"))
	if err != nil {
		t.Fatal(err)
	}
	d, err := r.PutBlob(t.Context(), "text/plain", []byte("weights"))
	if err != nil {
		t.Fatal(err)
	}
	m := Manifest{Status: Complete, Key: json.RawMessage(`{"seed":1}`), Result: json.RawMessage(`{"top1":0.5}`), Artifacts: map[string]Descriptor{"../../checkpoint": d}}
	if _, err := r.Commit(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	return r
}

// FuzzImport wants that no archive, whatever it holds, leaves a file behind, a damaged registry, or a run that is not
// whole.
func FuzzImport(f *testing.F) {
	var out bytes.Buffer
	if left, err := oneRun(f).Export(f.Context(), &out, nil); err != nil || left != nil {
		f.Fatal(left, err)
	}
	archive := out.Bytes()
	entry := func(h tar.Header) []byte {
		var out bytes.Buffer
		w := tar.NewWriter(&out)
		if err := errors.Join(w.WriteHeader(&h), w.Flush()); err != nil {
			f.Fatal(err)
		}
		return append(out.Bytes(), archive...)
	}
	f.Add(archive)
	f.Add(archive[:len(archive)/2])
	f.Add(entry(tar.Header{Typeflag: tar.TypeReg, Name: "../evil", Mode: 0o644}))
	f.Add(entry(tar.Header{Typeflag: tar.TypeSymlink, Name: "blobs", Linkname: "/tmp", Mode: 0o777}))
	f.Add(entry(tar.Header{Typeflag: tar.TypeDir, Name: "./blobs/", Mode: 0o777}))
	temp := filepath.Join(f.TempDir(), "tmp")
	if err := os.Mkdir(temp, 0o777); err != nil {
		f.Fatal(err)
	}
	f.Setenv("TMPDIR", temp)
	f.Fuzz(func(t *testing.T, archive []byte) {
		ctx := context.Background()
		r, err := OpenOn(ctx, store.NewMemory("fuzz"))
		if err != nil {
			t.Fatal(err)
		}
		_, err = r.Import(ctx, bytes.NewReader(archive), ImportOptions{MaxBytes: 1 << 20})
		if files, e := os.ReadDir(temp); e != nil || len(files) > 0 {
			t.Errorf("after Import, %v: %v is left, %v", err, files, e)
		}
		if files, e := os.ReadDir(filepath.Dir(temp)); e != nil || len(files) != 1 {
			t.Errorf("after Import, %v: %v is there, %v", err, files, e)
		}
		problems, checkErr := r.Check(ctx, CheckOptions{ReadData: true})
		if checkErr != nil || len(problems) > 0 {
			t.Errorf("after Import, %v: Check finds %v, %v", err, problems, checkErr)
		}
	})
}

// FuzzEvidence reads whatever is inside a gzip file: it is refused, or what it holds can be written again.
func FuzzEvidence(f *testing.F) {
	r := oneRun(f)
	var runs []string
	for run, err := range r.Runs(f.Context()) {
		if err != nil {
			f.Fatal(err)
		}
		runs = append(runs, run)
	}
	var file bytes.Buffer
	if err := r.WriteEvidence(f.Context(), &file, runs, EvidenceOptions{
		MediaTypes: []string{"text/plain"},
		Beside:     func([]EvidenceRun) ([]File, error) { return []File{{"read-by/others.json", []byte("{}\n")}}, nil },
	}); err != nil {
		f.Fatal(err)
	}
	plain, err := gzip.NewReader(&file)
	if err != nil {
		f.Fatal(err)
	}
	archive, err := io.ReadAll(plain)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(archive)
	f.Add(archive[:len(archive)/2])
	f.Fuzz(func(t *testing.T, archive []byte) {
		ctx, memory := context.Background(), store.NewMemory("fuzz")
		if _, err := readEvidenceArchive(ctx, memory, bytes.NewReader(archive), 1<<20); err != nil {
			if !errors.Is(err, ErrCorrupt) {
				t.Errorf("refused as %v", err)
			}
			return
		}
		r := &Registry{store: memory}
		if err := r.load(ctx); err != nil {
			t.Fatal(err)
		}
		problems, err := r.Check(ctx, CheckOptions{ReadData: true})
		for _, p := range problems {
			if p.Kind != Missing { // what was left out
				t.Errorf("Check finds %v", p)
			}
		}
		if err != nil {
			t.Error(err)
		}
	})
}

// FuzzSignature: whatever stands in place of a signature, it is that of the manifest or ErrCorrupt.
func FuzzSignature(f *testing.F) {
	m, text, err := Manifest{Status: Failed, Reason: "diverged", Key: json.RawMessage(`{"seed":1}`)}.seal()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte(`{"payload":"","payloadType":"application/vnd.in-toto+json","signatures":[{"keyid":"","sig":""}]}` + "\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if err := decodeEnvelope(text, "", m, DigestOf(text)); err == nil || !errors.Is(err, ErrCorrupt) {
			t.Errorf("%q is a signature: %v", text, err)
		}
	})
}

// FuzzEvent: whatever stands under the key of an event, it is read as stored or is ErrCorrupt.
func FuzzEvent(f *testing.F) {
	ctx, run := context.Background(), "0123456789abcdef0123456789abcdef"
	f.Add([]byte(`{"data":{"step":1},"kind":"checkpoint","seq":1,"time":"2026-01-01T00:00:00Z"}` + "\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		r := &Registry{store: store.NewMemory("fuzz")}
		key := eventKey(run, 1, text)
		if err := r.put(ctx, key, text); err != nil {
			t.Fatal(err)
		}
		event, err := r.event(ctx, run, key)
		if err != nil && !errors.Is(err, ErrCorrupt) {
			t.Fatal(err)
		}
		if again, e := encode(event); err == nil && (e != nil || !bytes.Equal(again, text)) {
			t.Errorf("%q is read as %q", text, again)
		}
	})
}

// FuzzLease: whatever stands in place of a lease, it is free or held for an hour at the most, and tells people something or
// nothing.
func FuzzLease(f *testing.F) {
	ctx, run := context.Background(), "0123456789abcdef0123456789abcdef"
	f.Add([]byte(`{"owner":"a","token":"t","beat":1,"milliseconds":20000,"since":"2026-01-01T00:00:00Z","step":3}`))
	f.Add([]byte(`{"owner":"a","token":"t","beat":1,"milliseconds":9223372036854775807,"released":true}`))
	f.Add([]byte(`{"owner":"a","milliseconds":-9223372036854775808}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		r := &Registry{store: store.NewMemory("fuzz")}
		if err := r.put(ctx, leaseKey(run), text); err != nil {
			t.Fatal(err)
		}
		var held *HeldError
		_, err := r.mayTake(ctx, leaseKey(run), time.Second)
		if err != nil && (!errors.As(err, &held) || held.Left <= 0 || held.Left > maxTTL) {
			t.Errorf("%q: %v, %+v", text, err, held)
		}
		if h, err := r.Hold(ctx, run); err != nil || h.Term < 0 || h.Term > maxTTL {
			t.Errorf("%q tells %+v, %v", text, h, err)
		}
	})
}

// FuzzConfig: whatever stands in the configuration, it is one of this version or ErrCorrupt.
func FuzzConfig(f *testing.F) {
	f.Add([]byte(`{"format":"cidbench-registry","version":1,"id":"6b1b3ad2-3b43-4b5e-9f6f-3a43f1a1a111"}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		if c, err := decodeConfig(text); err != nil && !errors.Is(err, ErrCorrupt) || err == nil && (c.Format != format || c.Version != formatVersion) {
			t.Errorf("%q is read as %+v, %v", text, c, err)
		}
	})
}

// decodeIndex reads a whole index.
func decodeIndex(text []byte) ([]*Summary, error) {
	lines, err := readIndex(context.Background(), bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	return collectRuns(lines.all())
}

// FuzzPack: whatever a pack is, what it holds is read within limits, or is ErrCorrupt.
func FuzzPack(f *testing.F) {
	r := oneRun(f)
	r.Pack("text/plain")
	bucket := &Registry{store: struct{ store.Store }{r.store}, packTypes: r.packTypes, writing: true} // no namer
	o, err := bucket.Reindex(f.Context())
	if err != nil || len(o.Finished) != 1 || o.Finished[0].pack == nil {
		f.Fatal(o, err)
	}
	pack, _, err := r.store.Load(f.Context(), o.Finished[0].pack.key())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(pack)
	f.Add(pack[:len(pack)-1])
	f.Fuzz(func(t *testing.T, pack []byte) {
		files, err := readPack(bytes.NewReader(pack), int64(len(pack)))
		if err != nil && !errors.Is(err, ErrCorrupt) {
			t.Fatal(err)
		}
		x := openPack{files: files}
		for key := range files {
			if data, err := x.object(key); err != nil && !errors.Is(err, ErrCorrupt) || len(data) > packedMost {
				t.Errorf("%q: %d bytes, %v", key, len(data), err)
			}
		}
	})
}

// FuzzIndex: whatever stands in the index, it is read, and then means the same when it is written again, or is
// ErrCorrupt.
func FuzzIndex(f *testing.F) {
	m, text, err := Manifest{Status: Failed, Reason: "diverged", Key: json.RawMessage(`{"a":null,"seed":1,"step":2}`)}.seal()
	if err != nil {
		f.Fatal(err)
	}
	s, err := summaryOf(m, DigestOf(text), map[Digest]*Family{})
	if err != nil {
		f.Fatal(err)
	}
	index, err := encodeIndex([]*Summary{s})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(index[len(DigestOf(nil))+1:])
	f.Fuzz(func(t *testing.T, rest []byte) {
		known, err := decodeIndex(append([]byte(DigestOf(rest)+"\n"), rest...))
		if err != nil {
			if !errors.Is(err, ErrCorrupt) {
				t.Fatal(err)
			}
			return
		}
		for _, s := range known {
			s.Key()
		}
		again, err := encodeIndex(known)
		if err != nil {
			t.Fatal(err)
		}
		if twice, err := decodeIndex(again); err != nil || len(twice) != len(known) {
			t.Errorf("%d runs are read again as %d, %v", len(known), len(twice), err)
		}
	})
}
