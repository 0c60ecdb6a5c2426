package registry_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/cidbench/cidbench/registry"
	"github.com/google/go-cmp/cmp"
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

func wantErr(t *testing.T, what string, err, class error) {
	t.Helper()
	if !errors.Is(err, class) {
		t.Errorf("%s: got error %v, want %v", what, err, class)
	}
}

func TestOpen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a b", "registry")
	_, err := registry.OpenExisting(t.Context(), path)
	wantErr(t, "OpenExisting of nothing", err, registry.ErrNotExist)
	if !strings.Contains(fmt.Sprint(err), "file://") {
		t.Errorf("error %q does not name the URL", err)
	}
	if _, err := os.Stat(filepath.Dir(path)); err == nil {
		t.Error("OpenExisting has written to the disk")
	}
	first := openRegistry(t, path)
	for _, url := range []string{path, "file://" + path, first.String()} {
		if again := openRegistry(t, url); again.ID() != first.ID() || !again.Created().Equal(first.Created()) {
			t.Errorf("%s opens registry %s, want %s", url, again.ID(), first.ID())
		}
		if _, err := registry.OpenExisting(t.Context(), url); err != nil {
			t.Error(err)
		}
	}
	mem := newRegistry(t)
	if again := openRegistry(t, mem.String()); again.ID() != mem.ID() || mem.ID() == first.ID() {
		t.Errorf("%s opens %s, then %s, and another registry is %s", mem, mem.ID(), again.ID(), first.ID())
	}
}

func TestOpenFails(t *testing.T) {
	write := func(name, content string) string {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	const configName = "cidbench-registry.json"
	bare := t.TempDir()
	if err := os.CopyFS(bare, fstest.MapFS{"runs/0123456789abcdef0123456789abcdef/lease.json": {}}); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, url string
		want      error
		says      string
	}{
		{"below a file", write("f", "") + "/f/registry", registry.ErrUnavailable, "file://"},
		{"other content", write("thesis.tex", ""), registry.ErrForeign, "thesis.tex"},
		{"no configuration", bare, registry.ErrCorrupt, "runs/0123456789abcdef0123456789abcdef/lease.json"},
		{"newer version", write(configName, `{"format":"cidbench-registry","version":2}`), registry.ErrCorrupt, "version 2"},
		{"other format", write(configName, `{"format":"oci","version":1}`), registry.ErrCorrupt, `"oci"`},
		{"no id", write(configName, `{"format":"cidbench-registry","version":1}`), registry.ErrCorrupt, "uuid"},
		{"no JSON", write(configName, ``), registry.ErrCorrupt, configName},
		{"unknown scheme", "ftp://me:secret@host/path", nil, "file, mem"},
	} {
		_, err := registry.Open(t.Context(), test.url)
		if err == nil || test.want != nil && !errors.Is(err, test.want) {
			t.Errorf("%s: got error %v, want %v", test.name, err, test.want)
		}
		if message := fmt.Sprint(err); !strings.Contains(message, test.says) || strings.Contains(message, "secret") {
			t.Errorf("%s: error is %q, want it to say %q", test.name, message, test.says)
		}
		if _, err := registry.OpenExisting(t.Context(), test.url); test.want != nil && !errors.Is(err, test.want) && test.want != registry.ErrUnavailable {
			t.Errorf("%s: OpenExisting gives %v, want %v", test.name, err, test.want)
		}
	}
}

func TestOpenRace(t *testing.T) {
	path := t.TempDir()
	ids := make([]string, 8)
	var wg sync.WaitGroup
	for i := range ids {
		wg.Go(func() {
			r, err := registry.Open(t.Context(), path)
			if err != nil {
				t.Error(err)
				return
			}
			ids[i] = r.ID()
			if _, err := r.PutBlob(t.Context(), "text/plain", []byte("x")); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if ids = slices.Compact(ids); len(ids) != 1 {
		t.Errorf("one registry has the ids %q", ids)
	}
}

func TestBlob(t *testing.T) {
	ctx := t.Context()
	r := newRegistry(t)
	d := putBlob(t, r, "data")
	if again := putBlob(t, r, "data"); !cmp.Equal(d, again) {
		t.Errorf("stored again, %v becomes %v", d, again)
	}
	data, err := r.Blob(ctx, d)
	if err != nil || string(data) != "data" {
		t.Errorf("Blob = %q, %v", data, err)
	}
	if ok, err := r.HasBlob(ctx, d); !ok || err != nil {
		t.Errorf("HasBlob = %v, %v", ok, err)
	}

	absent := registry.Descriptor{MediaType: "text/plain", Digest: registry.DigestOf([]byte("absent")), Size: 6}
	if ok, err := r.HasBlob(ctx, absent); ok || err != nil {
		t.Errorf("HasBlob of what is absent = %v, %v", ok, err)
	}
	_, err = r.Blob(ctx, absent)
	wantErr(t, "absent blob", err, registry.ErrNotExist)
	short := d
	short.Size--
	_, err = r.Blob(ctx, short)
	wantErr(t, "other size", err, registry.ErrCorrupt)
	_, err = r.HasBlob(ctx, short)
	wantErr(t, "other size", err, registry.ErrCorrupt)
	for _, bad := range []registry.Descriptor{
		{Digest: d.Digest, Size: 4}, {MediaType: "x", Digest: "sha256:../../x"}, {MediaType: "x", Digest: d.Digest, Size: -1},
	} {
		if _, err := r.Blob(ctx, bad); err == nil {
			t.Errorf("descriptor %v is accepted", bad)
		}
	}
}

func TestFlippedBlob(t *testing.T) {
	ctx := t.Context()
	root := t.TempDir()
	r := openRegistry(t, root)
	d := putBlob(t, r, "data")
	overwrite(t, root, blobName(d.Digest), "dbta")
	_, err := r.Blob(ctx, d)
	wantErr(t, "Blob", err, registry.ErrCorrupt)
	for _, part := range []string{blobName(d.Digest), string(d.Digest), string(registry.DigestOf([]byte("dbta")))} {
		if !strings.Contains(fmt.Sprint(err), part) {
			t.Errorf("error %q does not name %s", err, part)
		}
	}
	_, err = r.PutBlob(ctx, "text/plain", []byte("data"))
	wantErr(t, "PutBlob over a damaged one", err, registry.ErrCorrupt)
}

func TestCommit(t *testing.T) {
	ctx := t.Context()
	r := newRegistry(t)
	m := newManifest(1, map[string]registry.Descriptor{"checkpoint": putBlob(t, r, "weights")})
	run, digest := commit(t, r, m)
	got, gotDigest, err := r.Run(ctx, run)
	if err != nil || gotDigest != digest {
		t.Fatalf("Run = digest %s, %v, want %s", gotDigest, err, digest)
	}
	if got.Run != run || got.Schema != registry.ManifestSchema || !cmp.Equal(got.Artifacts, m.Artifacts) ||
		!got.Provenance.Started.Equal(m.Provenance.Started) || string(got.Key) != `{"method":"moco <v3>","seed":1}` {
		t.Errorf("Run = %+v, want what was committed: %+v", got, m)
	}

	// An equal run at another time and place is the same run.
	m.Provenance = registry.Provenance{Host: "elsewhere", Finished: time.Now().Add(time.Hour)}
	m.Key = json.RawMessage(`{"method":"moco \u003cv3>","seed":1}`)
	if _, again := commit(t, r, m); again != digest {
		t.Errorf("an equal run replaces manifest %s by %s", digest, again)
	}
	// A run that was read can be committed elsewhere as it is.
	other := newRegistry(t)
	putBlob(t, other, "weights")
	if _, copied := commit(t, other, got); copied != digest {
		t.Errorf("a copied manifest changes from %s to %s", digest, copied)
	}

	m.Result = json.RawMessage(`{"top1":0.6}`)
	_, err = r.Commit(ctx, m)
	wantErr(t, "another result", err, registry.ErrConflict)

	m = newManifest(2, map[string]registry.Descriptor{
		"checkpoint": {MediaType: "x", Digest: registry.DigestOf([]byte("never stored")), Size: 12},
	})
	_, err = r.Commit(ctx, m)
	wantErr(t, "absent artifact", err, registry.ErrNotExist)
	m.Artifacts["checkpoint"] = registry.Descriptor{MediaType: "x", Digest: registry.DigestOf([]byte("weights")), Size: 6}
	_, err = r.Commit(ctx, m)
	wantErr(t, "artifact of another size", err, registry.ErrCorrupt)

	failed := registry.Manifest{Status: registry.Failed, Reason: "loss is not a number", Key: json.RawMessage(`{"seed":3}`)}
	failedRun, _ := commit(t, r, failed)
	want := []string{run, failedRun}
	slices.Sort(want)
	if diff := cmp.Diff(want, collect(t, r.Runs(ctx))); diff != "" {
		t.Errorf("Runs (-want +got):\n%s", diff)
	}
	_, _, err = r.Run(ctx, strings.Repeat("0", 32))
	wantErr(t, "unknown run", err, registry.ErrNotExist)
	if _, _, err = r.Run(ctx, "../x"); err == nil {
		t.Error("../x is accepted as a run id")
	}
}

func TestCommitInvalid(t *testing.T) {
	r := newRegistry(t)
	for name, change := range map[string]func(*registry.Manifest){
		"no status":                 func(m *registry.Manifest) { m.Status = "" },
		"complete without a result": func(m *registry.Manifest) { m.Result = nil },
		"complete with a reason":    func(m *registry.Manifest) { m.Reason = "because" },
		"failed without a reason":   func(m *registry.Manifest) { m.Status = registry.Failed },
		"no key":                    func(m *registry.Manifest) { m.Key = nil },
		"null key":                  func(m *registry.Manifest) { m.Key = json.RawMessage("null") },
		"broken key":                func(m *registry.Manifest) { m.Key = json.RawMessage(`{"a":`) },
		"two keys":                  func(m *registry.Manifest) { m.Key = json.RawMessage(`{}{}`) },
		"key that is not UTF-8":     func(m *registry.Manifest) { m.Key = json.RawMessage("{\"a\":\"\xff\"}") },
		"null result":               func(m *registry.Manifest) { m.Result = json.RawMessage("null") },
		"broken result":             func(m *registry.Manifest) { m.Result = json.RawMessage("{NaN}") },
		"artifact without digest":   func(m *registry.Manifest) { m.Artifacts = map[string]registry.Descriptor{"a": {MediaType: "x"}} },
		"wrong run id":              func(m *registry.Manifest) { m.Run = strings.Repeat("0", 32) },
		"wrong schema":              func(m *registry.Manifest) { m.Schema = "application/vnd.cidbench.run.v2+json" },
		"wrong result digest":       func(m *registry.Manifest) { m.ResultDigest = registry.DigestOf(nil) },
	} {
		m := newManifest(1, nil)
		change(&m)
		if _, err := r.Commit(t.Context(), m); err == nil {
			t.Errorf("%s: committed", name)
		}
	}
	if runs := collect(t, r.Runs(t.Context())); len(runs) != 0 {
		t.Errorf("runs %v are visible", runs)
	}
}

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

func TestEvents(t *testing.T) {
	ctx := t.Context()
	root := t.TempDir()
	r := openRegistry(t, root)
	run, err := registry.RunID(json.RawMessage(`{"seed":1}`))
	if err != nil {
		t.Fatal(err)
	}
	if got := collect(t, r.Events(ctx, run)); len(got) != 0 {
		t.Errorf("a run without events has %v", got)
	}
	var want []registry.Event
	for step := range 3 {
		event, err := r.Append(ctx, run, "checkpoint", map[string]any{"step": step, "blob": putBlob(t, r, fmt.Sprint(step))})
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, event)
	}
	if diff := cmp.Diff(want, collect(t, r.Events(ctx, run))); diff != "" {
		t.Errorf("Events (-want +got):\n%s", diff)
	}
	if want[0].Seq != 1 || want[2].Seq != 3 {
		t.Errorf("events are numbered %d to %d, want 1 to 3", want[0].Seq, want[2].Seq)
	}

	// A damaged event does not hide the others.
	names, err := filepath.Glob(filepath.Join(root, "runs", run, "events", "00000002-*.json"))
	if err != nil || len(names) != 1 {
		t.Fatal(names, err)
	}
	overwrite(t, names[0], "", `{"seq":2}`)
	var seen []int
	for event, err := range r.Events(ctx, run) {
		if err != nil {
			wantErr(t, "damaged event", err, registry.ErrCorrupt)
			continue
		}
		seen = append(seen, event.Seq)
	}
	if !slices.Equal(seen, []int{1, 3}) {
		t.Errorf("of three events with the second damaged, %v are seen", seen)
	}

	if len(collect(t, r.Runs(ctx))) != 0 {
		t.Error("a run with events only is listed as finished")
	}
	if _, err := r.Append(ctx, "no-run", "checkpoint", nil); err == nil {
		t.Error("an invalid run id is accepted")
	}
	if _, err := r.Append(ctx, run, "", nil); err == nil {
		t.Error("an event without kind is accepted")
	}
}

func TestAppendRace(t *testing.T) {
	r := newRegistry(t)
	run := strings.Repeat("a", 32)
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for range 5 {
				if _, err := r.Append(t.Context(), run, "log", w); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	events := collect(t, r.Events(t.Context(), run))
	if len(events) != 40 {
		t.Errorf("%d events after 40 appends", len(events))
	}
	for i, event := range events {
		if event.Seq != i+1 {
			t.Fatalf("event %d has the number %d", i+1, event.Seq)
		}
	}
}

func TestRefs(t *testing.T) {
	ctx := t.Context()
	r := newRegistry(t)
	one, two := putBlob(t, r, "one"), putBlob(t, r, "two")
	_, _, err := r.Ref(ctx, "paper/latest")
	wantErr(t, "absent ref", err, registry.ErrNotExist)
	v1, err := r.SetRef(ctx, "paper/latest", one, "")
	wantErr(t, "new ref", err, nil)
	_, err = r.SetRef(ctx, "paper/latest", two, "")
	wantErr(t, "new ref that is there", err, registry.ErrConflict)
	if _, err = r.SetRef(ctx, "paper/latest", two, v1); err != nil {
		t.Fatal(err)
	}
	_, err = r.SetRef(ctx, "paper/latest", one, v1)
	wantErr(t, "old version", err, registry.ErrConflict)
	got, _, err := r.Ref(ctx, "paper/latest")
	if err != nil || !cmp.Equal(got, two) {
		t.Errorf("Ref = %v, %v, want %v", got, err, two)
	}
	_, err = r.SetRef(ctx, "dangling", registry.Descriptor{MediaType: "x", Digest: registry.DigestOf([]byte("absent"))}, "")
	wantErr(t, "ref to what is absent", err, registry.ErrNotExist)
	if _, err := r.SetRef(ctx, "../x", one, ""); err == nil {
		t.Error("../x is accepted as a name")
	}
	if _, err := r.SetRef(ctx, "a", one, ""); err != nil {
		t.Fatal(err)
	}
	if got := collect(t, r.Refs(ctx)); !slices.Equal(got, []string{"a", "paper/latest"}) {
		t.Errorf("Refs = %q", got)
	}
}
