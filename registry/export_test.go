package registry_test

import (
	"archive/tar"
	"bytes"
	"crypto/ed25519"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cidbench/cidbench/registry"
	"github.com/cidbench/cidbench/registry/s3/s3test"
)

func export(t testing.TB, r *registry.Registry) []byte {
	t.Helper()
	var out bytes.Buffer
	if left, err := r.Export(t.Context(), &out, nil); err != nil || left != nil {
		t.Fatal(left, err)
	}
	return out.Bytes()
}

func TestExport(t *testing.T) {
	dir, s3 := t.TempDir(), s3test.Start(t, s3test.Versitygw).URL("p")
	from := openRegistry(t, dir)
	fill(t, from)
	for run, err := range from.Runs(t.Context()) { // the failed one was not
		if err = errors.Join(err, from.Sign(t.Context(), run, newKey(1))); err != nil {
			t.Fatal(err)
		}
	}
	archive := export(t, from)
	if !bytes.Equal(archive, export(t, from)) {
		t.Error("two exports differ")
	}
	to := openRegistry(t, s3)
	calls := 0
	for range 2 {
		report, err := to.Import(t.Context(), bytes.NewReader(archive), registry.ImportOptions{
			PublicKeys: []ed25519.PublicKey{publicKey(newKey(1))}, Progress: func(done, total int) { calls++ },
		})
		if err != nil || report.Runs != 5 || report.Ignored != 0 {
			t.Fatalf("Import = %+v, %v", report, err)
		}
	}
	if calls != 2*5 {
		t.Errorf("progress is reported %d times, want 10", calls)
	}
	if !bytes.Equal(archive, export(t, to)) {
		t.Error("the export of the import differs")
	}
	want := content(t, dir)
	for key := range want { // what belongs to the unfinished run, and events
		if strings.Contains(key, "/events/") {
			delete(want, key)
		}
	}
	got := content(t, s3)
	if len(want) != len(got)+1 { // the checkpoint of the unfinished run
		t.Errorf("the copy has %d objects, want one less than %d", len(got), len(want))
	}
	for key, digest := range got {
		if want[key] != digest {
			t.Errorf("%s is %s, want %s", key, digest, want[key])
		}
	}
	if got := found(t, to, registry.CheckOptions{ReadData: true}); got != nil {
		t.Errorf("Check finds %q", got)
	}
	if got := export(t, newRegistry(t)); len(got) == 0 {
		t.Error("an empty registry has no export")
	}
}

func TestExportDamaged(t *testing.T) {
	root := t.TempDir()
	r := openRegistry(t, root)
	d := putBlob(t, r, "data")
	commit(t, r, newManifest(1, map[string]registry.Descriptor{"a": d}))
	overwrite(t, root, blobName(d.Digest), "dbta")
	two, _ := commit(t, r, newManifest(2, map[string]registry.Descriptor{"a": putBlob(t, r, "good")}))
	three, _ := commit(t, r, newManifest(3, nil))
	overwrite(t, root, "runs/"+three+"/manifest.json", "{}")
	for what, damage := range map[string]func(){
		"flipped": func() { overwrite(t, root, blobName(d.Digest), "dbta") },
		"missing": func() { remove(t, root, blobName(d.Digest)) },
	} {
		os.Remove(filepath.Join(root, blobName(d.Digest)))
		overwrite(t, root, blobName(d.Digest), "data")
		damage()
		var out bytes.Buffer
		left, err := r.Export(t.Context(), &out, nil)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, p := range left {
			got = append(got, p.Key+": "+string(p.Kind))
		}
		if want := []string{blobName(d.Digest) + ": " + what, "runs/" + three + "/manifest.json: bad manifest"}; !slices.Equal(got, want) {
			t.Errorf("%s: left out are %q, want %q", what, got, want)
		}
		to := newRegistry(t)
		if _, err := to.Import(t.Context(), &out, registry.ImportOptions{}); err != nil {
			t.Fatal(err)
		}
		if runs := collect(t, to.Runs(t.Context())); !slices.Equal(runs, []string{two}) {
			t.Errorf("%s: exported are %q, want %s alone", what, runs, two)
		}
	}
}

// rewrite applies change to every entry of an archive; a nil header leaves it
// out.
func rewrite(t testing.TB, archive []byte, change func(h *tar.Header, data []byte) (*tar.Header, []byte)) []byte {
	t.Helper()
	var out bytes.Buffer
	r, w := tar.NewReader(bytes.NewReader(archive)), tar.NewWriter(&out)
	for {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		if h, data = change(h, data); h == nil {
			continue
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(data); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// withEntry adds an entry at the front of an archive.
func withEntry(t testing.TB, archive []byte, h tar.Header, data string) []byte {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	if h.Typeflag == tar.TypeReg {
		h.Size = int64(len(data))
	}
	if err := w.WriteHeader(&h); err != nil {
		t.Fatal(err)
	}
	io.WriteString(w, data)
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	return append(out.Bytes(), archive...)
}

func smallArchive(t testing.TB) []byte {
	t.Helper()
	r, err := registry.Open(t.Context(), memoryURL(t))
	if err != nil {
		t.Fatal(err)
	}
	d, err := r.PutBlob(t.Context(), "text/plain", []byte("weights"))
	if err != nil {
		t.Fatal(err)
	}
	m := newManifest(1, map[string]registry.Descriptor{"../../checkpoint": d})
	if _, err := r.Commit(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	return export(t, r)
}

func TestImportRefuses(t *testing.T) {
	archive := smallArchive(t)
	entry := func(typeflag byte, name, link string) []byte {
		return withEntry(t, archive, tar.Header{Typeflag: typeflag, Name: name, Linkname: link, Mode: 0o644}, "x")
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
	weights := "blobs/sha256/" + registry.DigestOf([]byte("weights")).Hex()
	// A header that promises 2^62 bytes.
	var huge bytes.Buffer
	if err := tar.NewWriter(&huge).WriteHeader(&tar.Header{
		Typeflag: tar.TypeReg, Name: "blobs/sha256/" + strings.Repeat("0", 64), Size: 1 << 62, Mode: 0o644, Format: tar.FormatPAX,
	}); err != nil {
		t.Fatal(err)
	}
	for name, bad := range map[string][]byte{
		"nothing":           nil,
		"no archive":        []byte(strings.Repeat("not a tar archive ", 100)),
		"cut off":           archive[:len(archive)/2],
		"parent":            entry(tar.TypeReg, "../evil", ""),
		"parent in a blob":  entry(tar.TypeReg, "blobs/sha256/../../../evil", ""),
		"absolute":          entry(tar.TypeReg, "/tmp/evil", ""),
		"other file":        entry(tar.TypeReg, "README", ""),
		"other folder":      entry(tar.TypeDir, "evil/", ""),
		"symbolic link":     entry(tar.TypeSymlink, weights, "/etc/passwd"),
		"hard link":         entry(tar.TypeLink, weights, "/etc/passwd"),
		"device":            entry(tar.TypeChar, weights, ""),
		"pipe":              entry(tar.TypeFifo, weights, ""),
		"wrong digest":      entry(tar.TypeReg, "blobs/sha256/"+strings.Repeat("0", 64), ""),
		"upper case":        entry(tar.TypeReg, "blobs/sha256/"+strings.Repeat("A", 64), ""),
		"twice":             withEntry(t, archive, tar.Header{Typeflag: tar.TypeReg, Name: weights, Mode: 0o644}, "weights"),
		"second index":      entry(tar.TypeReg, "index.json", ""),
		"huge":              huge.Bytes(),
		"no layout":         without("oci-layout"),
		"no index":          without("index.json"),
		"missing blob":      without(weights),
		"flipped blob":      replaced("weights", "weightz"),
		"other layout":      replaced(`"imageLayoutVersion":"1.0.0"`, `"imageLayoutVersion":"2.0.0"`),
		"other index":       replaced(`"schemaVersion":2}`, `"schemaVersion":3}`),
		"digest is a path":  replaced(`"digest":"sha256:`, `"digest":"../../..`),
		"negative size":     replaced(`"size":`, `"size":-`),
		"more than allowed": nil,
	} {
		t.Run(name, func(t *testing.T) {
			outside := t.TempDir()
			t.Setenv("TMPDIR", filepath.Join(outside, "tmp"))
			if err := os.Mkdir(filepath.Join(outside, "tmp"), 0o777); err != nil {
				t.Fatal(err)
			}
			r := openRegistry(t, filepath.Join(outside, "registry"))
			var opts registry.ImportOptions
			if name == "more than allowed" {
				bad, opts.MaxBytes = archive, 100
			}
			_, err := r.Import(t.Context(), bytes.NewReader(bad), opts)
			wantErr(t, "Import", err, registry.ErrCorrupt)
			wantOnly(t, outside, "cidbench-registry.json")
		})
	}
	r := newRegistry(t)
	_, err := r.Import(t.Context(), io.MultiReader(bytes.NewReader(archive[:2000]), failingReader{}), registry.ImportOptions{})
	wantErr(t, "an archive that cannot be read", err, errBroken)
}

var errBroken = errors.New("broken")

type failingReader struct{}

func (failingReader) Read([]byte) (int, error) { return 0, errBroken }

// wantOnly checks which files are in root, with the folders registry and tmp.
func wantOnly(t testing.TB, root string, want ...string) {
	t.Helper()
	var got []string
	err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			rel, _ := filepath.Rel(root, path)
			got = append(got, filepath.ToSlash(rel))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for i := range want {
		want[i] = "registry/" + want[i]
	}
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("the files are %q, want %q", got, want)
	}
}

// TestExportTar has tar unpack an export, as anybody would.
func TestExportTar(t *testing.T) {
	if _, err := exec.LookPath("tar"); err != nil {
		t.Skip("no tar on this machine")
	}
	dir := t.TempDir()
	cmd := exec.CommandContext(t.Context(), "tar", "-xf", "-", "-C", dir)
	original := smallArchive(t)
	cmd.Stdin = bytes.NewReader(original)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	data, err := os.ReadFile(filepath.Join(dir, "blobs", "sha256", registry.DigestOf([]byte("weights")).Hex()))
	if err != nil || string(data) != "weights" {
		t.Errorf("the blob is %q, %v", data, err)
	}
	// And pack it again, with folders, other names and other times.
	cmd = exec.CommandContext(t.Context(), "tar", "-cf", "-", "-C", dir, ".")
	archive, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	r := newRegistry(t)
	if report, err := r.Import(t.Context(), bytes.NewReader(archive), registry.ImportOptions{}); err != nil || report.Runs != 1 {
		t.Errorf("Import = %+v, %v", report, err)
	}
	if !bytes.Equal(export(t, r), original) {
		t.Error("the export differs after the round trip")
	}
}

// rehash names the blobs of an archive that was tampered with after their bytes, and all that refers to them.
func rehash(t testing.TB, archive []byte) []byte {
	t.Helper()
	for range 4 { // signature, OCI manifest, index
		renamed := map[string]string{}
		rewrite(t, archive, func(h *tar.Header, data []byte) (*tar.Header, []byte) {
			if name, ok := strings.CutPrefix(h.Name, "blobs/sha256/"); ok {
				renamed[name] = registry.DigestOf(data).Hex()
			}
			return h, data
		})
		archive = rewrite(t, archive, func(h *tar.Header, data []byte) (*tar.Header, []byte) {
			for old, name := range renamed {
				data = bytes.ReplaceAll(data, []byte(old), []byte(name))
				h.Name = strings.Replace(h.Name, old, name, 1)
			}
			return h, data
		})
	}
	return archive
}
