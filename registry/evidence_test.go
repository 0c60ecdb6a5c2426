package registry_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/cidbench/cidbench/registry"
)

// withEvidence makes a registry of two runs, of whose artifacts the plain texts belong to the evidence.
func withEvidence(t testing.TB) (r *registry.Registry, runs []string, file []byte) {
	t.Helper()
	r, err := registry.Open(t.Context(), memoryURL(t))
	if err != nil {
		t.Fatal(err)
	}
	put := func(mediaType, data string) registry.Descriptor {
		d, err := r.PutBlob(t.Context(), mediaType, []byte(data))
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	for seed := range 2 {
		m := newManifest(seed, map[string]registry.Descriptor{
			"counts": put("text/plain", "counts"), "checkpoint": put("application/octet-stream", "weights"),
		})
		if _, err := r.Commit(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	for run, err := range r.Runs(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		runs = append(runs, run)
	}
	return r, runs, evidenceOf(t, r, runs)
}

func evidenceOf(t testing.TB, r *registry.Registry, runs []string) []byte {
	t.Helper()
	var out bytes.Buffer
	err := r.WriteEvidence(t.Context(), &out, runs, registry.EvidenceOptions{MediaTypes: []string{"text/plain"}, Beside: beside})
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// beside is a file for the tools of others, with the names of all files of the evidence.
func beside(runs []registry.EvidenceRun) ([]registry.File, error) {
	var names []string
	for _, run := range runs {
		names = append(names, run.Stored.Name)
		for _, file := range run.Artifacts {
			names = append(names, file.Name)
		}
	}
	return []registry.File{{Name: "read-by/others.txt", Data: []byte(strings.Join(names, "\n"))}}, nil
}

func evidenceFile(t testing.TB, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "evidence.tar.gz")
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestEvidence(t *testing.T) {
	from, runs, file := withEvidence(t)
	path := evidenceFile(t, file)
	r, err := registry.OpenExisting(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if r.ID() != from.ID() || r.String() != path {
		t.Errorf("registry %s at %s", r.ID(), r)
	}
	for _, run := range runs {
		m, digest, err := r.Run(t.Context(), run)
		_, want, _ := from.Run(t.Context(), run)
		if err != nil || digest != want {
			t.Errorf("run %s is %s, %v; want %s", run, digest, err, want)
		}
		if text, err := r.Blob(t.Context(), m.Artifacts["counts"]); err != nil || string(text) != "counts" {
			t.Errorf("counts %q, %v", text, err)
		}
		_, err = r.Blob(t.Context(), m.Artifacts["checkpoint"])
		wantErr(t, "an artifact that was left out", err, registry.ErrNotExist)
	}
	if again := evidenceOf(t, r, []string{runs[1], runs[0], runs[1]}); !bytes.Equal(file, again) {
		t.Error("the evidence of evidence differs")
	}
	// It is whole without what it was written without, and takes nothing in.
	if problems := found(t, r, registry.CheckOptions{ReadData: true}); problems != nil || r.LeftOut() != 1 || from.LeftOut() != 0 {
		t.Errorf("Check finds %q, %d artifacts are left out", problems, r.LeftOut())
	}
	_, err = r.PutBlob(t.Context(), "text/plain", []byte("new"))
	wantErr(t, "writing", err, registry.ErrUnavailable)
	_, err = r.Acquire(t.Context(), newRunID(t, 9), "new", ttl)
	wantErr(t, "a lease", err, registry.ErrUnavailable)
	err = from.WriteEvidence(t.Context(), io.Discard, []string{strings.Repeat("0", 32)}, registry.EvidenceOptions{})
	wantErr(t, "a run that is not there", err, registry.ErrNotExist)
	for _, name := range []string{"cidbench-registry.json", "index/more.json", "../others.txt", "Others.txt"} {
		err = from.WriteEvidence(t.Context(), io.Discard, runs, registry.EvidenceOptions{
			Beside: func([]registry.EvidenceRun) ([]registry.File, error) { return []registry.File{{Name: name}}, nil },
		})
		wantErr(t, "a file "+name, err, registry.ErrCorrupt)
	}
}

// TestEvidenceLacksAnArtifact: of artifacts of a media type all are there, or none.
func TestEvidenceLacksAnArtifact(t *testing.T) {
	from := newRegistry(t)
	one, two := putBlob(t, from, "one"), putBlob(t, from, "two")
	commit(t, from, newManifest(1, map[string]registry.Descriptor{"counts": one}))
	commit(t, from, newManifest(2, map[string]registry.Descriptor{"counts": two}))
	plain, err := gzip.NewReader(bytes.NewReader(evidenceOf(t, from, collect(t, from.Runs(t.Context())))))
	if err != nil {
		t.Fatal(err)
	}
	archive, err := io.ReadAll(plain)
	if err != nil {
		t.Fatal(err)
	}
	lacking := rewrite(t, archive, func(h *tar.Header, data []byte) (*tar.Header, []byte) {
		if h.Name == blobName(one.Digest) {
			return nil, nil
		}
		return h, data
	})
	r, err := registry.OpenExisting(t.Context(), evidenceFile(t, compress(t, lacking)))
	if err != nil {
		t.Fatal(err)
	}
	if got := found(t, r, registry.CheckOptions{}); !slices.Equal(got, []string{blobName(one.Digest) + ": missing"}) || r.LeftOut() != 0 {
		t.Errorf("Check finds %q, %d artifacts are left out", got, r.LeftOut())
	}
}

// Every byte that is cut off or flipped is noticed, unless it means nothing: gzip's header says when and where,
// and its data end on a whole byte.
func TestEvidenceDamaged(t *testing.T) {
	_, runs, file := withEvidence(t)
	refused := func(what string, content []byte) {
		t.Helper()
		_, err := registry.OpenExisting(t.Context(), evidenceFile(t, content))
		wantErr(t, what, err, registry.ErrCorrupt)
	}
	for n := 0; n < len(file); n += 7 {
		refused("cut off", file[:n])
	}
	const header = 10
	for i := header; i < len(file); i++ {
		flipped := bytes.Clone(file)
		flipped[i] ^= 0x10
		if r, err := registry.OpenExisting(t.Context(), evidenceFile(t, flipped)); err != nil {
			wantErr(t, "flipped", err, registry.ErrCorrupt)
		} else if !bytes.Equal(evidenceOf(t, r, runs), file) {
			t.Errorf("byte %d is flipped, and other evidence is read", i)
		}
	}
	refused("something after it", append(bytes.Clone(file), "more"...))
}

func TestEvidenceRefuses(t *testing.T) {
	_, runs, file := withEvidence(t)
	plain, err := gzip.NewReader(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	archive, err := io.ReadAll(plain)
	if err != nil {
		t.Fatal(err)
	}
	replaced := func(old, new string) []byte {
		return rewrite(t, archive, func(h *tar.Header, data []byte) (*tar.Header, []byte) {
			data = bytes.ReplaceAll(data, []byte(old), []byte(new))
			h.Size = int64(len(data))
			return h, data
		})
	}
	without := func(name string) []byte {
		return rewrite(t, archive, func(h *tar.Header, data []byte) (*tar.Header, []byte) {
			if h.Name == name {
				return nil, nil
			}
			return h, data
		})
	}
	renamed := func(old, new string) []byte {
		return rewrite(t, archive, func(h *tar.Header, data []byte) (*tar.Header, []byte) {
			h.Name = strings.Replace(h.Name, old, new, 1)
			return h, data
		})
	}
	first := func(typeflag byte, name, link, data string) []byte {
		return withEntry(t, archive, tar.Header{Typeflag: typeflag, Name: name, Linkname: link, Mode: 0o644}, data)
	}
	for name, bad := range map[string][]byte{
		"nothing":              {},
		"no archive":           []byte(strings.Repeat("not a tar archive ", 100)),
		"no configuration":     without("cidbench-registry.json"),
		"not at the start":     first(tar.TypeReg, "blobs/sha256/00/"+strings.Repeat("0", 64), "", "x"),
		"outside":              renamed("runs/", "../runs/"),
		"foreign":              renamed("manifest.json", "notes.txt"),
		"lease":                renamed("manifest.json", "lease.json"),
		"link":                 first(tar.TypeSymlink, "cidbench-registry.json", "/etc/passwd", ""),
		"other result":         replaced(`"top1":0.5`, `"top1":0.9`),
		"other run":            renamed(runs[0], strings.Repeat("0", 32)),
		"same run twice":       renamed(runs[0], runs[1]),
		"changed blob":         rewriteBlob(t, archive),
		"blob of no run":       without("runs/" + runs[0] + "/manifest.json"),
		"version of tomorrow":  replaced(`"version":1`, `"version":2`),
		"format of other tool": replaced(`"cidbench-registry"`, `"other"`),
		"file left out":        without("read-by/others.txt"),
		"file not listed":      renamed("others.txt", "more.txt"),
		"file changed":         replaced("manifest.json\n", "manifest.json "),
		"file as a run":        replaced(`"read-by/others.txt"`, `"runs/`+runs[0]+`/manifest.json"`),
		"file outside":         replaced(`"read-by/others.txt"`, `"../others.txt"`),
	} {
		t.Run(name, func(t *testing.T) {
			if bytes.Equal(bad, archive) {
				t.Fatal("nothing was changed")
			}
			_, err := registry.OpenExisting(t.Context(), evidenceFile(t, compress(t, bad)))
			wantErr(t, "opening", err, registry.ErrCorrupt)
		})
	}
}

// rewriteBlob changes the content of the blob, not its name.
func rewriteBlob(t *testing.T, archive []byte) []byte {
	return rewrite(t, archive, func(h *tar.Header, data []byte) (*tar.Header, []byte) {
		if strings.HasPrefix(h.Name, "blobs/") {
			data = []byte("kounts")
		}
		return h, data
	})
}

func compress(t testing.TB, plain []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	w.Write(plain)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestEvidenceBomb: a file that unpacks to far more than it is takes no memory out of proportion. (How many entries it may have
// is for TestLimitsOfArchives.)
func TestEvidenceBomb(t *testing.T) {
	r, runs, _ := withEvidence(t)
	plain, err := gzip.NewReader(bytes.NewReader(evidenceOf(t, r, runs)))
	if err != nil {
		t.Fatal(err)
	}
	archive, err := io.ReadAll(plain)
	if err != nil {
		t.Fatal(err)
	}
	huge := withEntry(t, archive, tar.Header{Typeflag: tar.TypeReg, Name: "cidbench-registry.json", Mode: 0o644}, strings.Repeat(" ", 64<<20))
	padded := append(bytes.Clone(archive), make([]byte, 64<<20)...)
	for name, plain := range map[string][]byte{"one huge entry": huge, "zeros at the end": padded} {
		bomb := compress(t, plain)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := registry.OpenExisting(t.Context(), evidenceFile(t, bomb))
		runtime.ReadMemStats(&after)
		wantErr(t, name, err, registry.ErrCorrupt)
		if grown := after.TotalAlloc - before.TotalAlloc; grown > 32<<20 {
			t.Errorf("%s: %d bytes of evidence take %d MiB", name, len(bomb), grown>>20)
		}
	}
}

// TestOpenOverEvidence: the runs of the evidence are there, and a new one beside them goes to the registry on top.
func TestOpenOverEvidence(t *testing.T) {
	_, runs, file := withEvidence(t)
	path, top := evidenceFile(t, file), t.TempDir()
	r, err := registry.OpenOver(t.Context(), top, path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Commit(t.Context(), newManifest(7, nil)); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time there is an index
		seen := 0
		for m, err := range r.Manifests(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			if slices.Contains(runs, m.Run) {
				seen++
			}
		}
		if seen != len(runs) {
			t.Errorf("%d of %d runs of the evidence are seen", seen, len(runs))
		}
	}
	alone, err := registry.OpenExisting(t.Context(), top)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, err := range alone.Runs(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	if n != 1 {
		t.Errorf("%d runs in the registry on top, want 1", n)
	}
	if _, err := registry.OpenOver(t.Context(), top, top+"/nothing"); err == nil {
		t.Error("a base that is not there is accepted")
	}
}
