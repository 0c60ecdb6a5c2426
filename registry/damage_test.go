package registry_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cidbench/cidbench/registry"
	"github.com/cidbench/cidbench/registry/store"
)

// A brokenStore cannot read one object, as if its sector of the disk were bad.
type brokenStore struct {
	store.Store
	key string
}

func (s *brokenStore) Get(ctx context.Context, key string) (io.ReadCloser, store.Info, error) {
	body, info, err := s.Store.Get(ctx, key)
	if err == nil && key == s.key {
		return struct {
			io.Reader
			io.Closer
		}{failingReader{}, body}, info, nil
	}
	return body, info, err
}

func (s *brokenStore) Load(ctx context.Context, key string) ([]byte, store.Version, error) {
	if key == s.key {
		return nil, "", fmt.Errorf("load %s: %w: %w", key, store.ErrUnavailable, syscall.EIO)
	}
	return s.Store.Load(ctx, key)
}

// threeRuns writes runs with an artifact each.
func threeRuns(t *testing.T, r *registry.Registry) (runs []string, artifacts []registry.Descriptor) {
	t.Helper()
	for i := range 3 {
		d := putBlob(t, r, fmt.Sprint("weights ", i))
		run, _ := commit(t, r, newManifest(i, map[string]registry.Descriptor{"checkpoint": d}))
		runs, artifacts = append(runs, run), append(artifacts, d)
	}
	return runs, artifacts
}

// TestOneUnreadableObject stops nothing but what needs it.
func TestOneUnreadableObject(t *testing.T) {
	for _, kind := range []string{"blob", "manifest"} {
		t.Run(kind, func(t *testing.T) {
			s := &brokenStore{Store: store.NewMemory(t.Name())}
			r := openOn(t, s)
			runs, artifacts := threeRuns(t, r)
			s.key = blobName(artifacts[1].Digest)
			if kind == "manifest" {
				s.key = "runs/" + runs[1] + "/manifest.json"
			}
			want := []string{runs[0], runs[2]}
			slices.Sort(want)

			if got := found(t, r, registry.CheckOptions{ReadData: true}); !slices.Equal(got, []string{s.key + ": unreadable"}) {
				t.Errorf("Check finds %q", got)
			}
			to := newRegistry(t)
			err := registry.Copy(t.Context(), r, to, nil)
			wantErr(t, "Copy", err, registry.ErrCorrupt)
			if !strings.Contains(fmt.Sprint(err), s.key) {
				t.Errorf("Copy does not name it: %v", err)
			}
			if got := collect(t, to.Runs(t.Context())); !slices.Equal(got, want) {
				t.Errorf("copied are %q, want %q", got, want)
			}
			var archive bytes.Buffer
			left, err := r.Export(t.Context(), &archive, nil)
			if err != nil || len(left) != 1 || left[0].Key != s.key || left[0].Kind != registry.Unreadable {
				t.Errorf("Export leaves out %v, %v", left, err)
			}
			to = newRegistry(t)
			if report, err := to.Import(t.Context(), &archive, registry.ImportOptions{}); err != nil || report.Runs != 2 {
				t.Errorf("Import of the rest: %+v, %v", report, err)
			}
			report, err := r.GC(t.Context(), registry.GCOptions{Remove: true})
			if kind == "manifest" {
				wantErr(t, "GC", err, registry.ErrCorrupt)
				if len(report.Unknown) != 1 || report.Unknown[0].Key != s.key {
					t.Errorf("GC names %v", report.Unknown)
				}
			} else {
				wantErr(t, "GC", err, nil)
			}
			bad := 0
			for m, err := range r.Manifests(t.Context()) {
				if err != nil {
					bad++
					wantErr(t, "the manifest", err, registry.ErrCorrupt)
				} else if !slices.Contains(runs, m.Run) {
					t.Errorf("manifest of %s", m.Run)
				}
			}
			if want := map[string]int{"blob": 0, "manifest": 1}[kind]; bad != want {
				t.Errorf("%d manifests are bad, want %d", bad, want)
			}
		})
	}
}

// TestStoreThatIsDown is no damage of an object.
func TestStoreThatIsDown(t *testing.T) {
	s := &brokenStore{Store: store.NewMemory(t.Name())}
	r := openOn(t, s)
	runs, _ := threeRuns(t, r)
	s.key = "cidbench-registry.json"
	down := &brokenStore{s, "runs/" + runs[0] + "/manifest.json"}
	s.key = ""
	r = openOn(t, down)
	s.key = "cidbench-registry.json"
	_, _, err := r.Run(t.Context(), runs[0])
	wantErr(t, "Run", err, registry.ErrUnavailable)
}

// TestSpecialFiles: a link or a pipe in a registry is named, and nothing behind it is taken for absent.
func TestSpecialFiles(t *testing.T) {
	const grace = time.Hour
	for _, test := range []struct {
		name, special string // of the run whose number is in it
		wantCopied    int
	}{
		{"a run is a link", "runs/%s", 2},
		{"a manifest is a link", "runs/%s/manifest.json", 2},
		{"a manifest is a pipe", "runs/%s/manifest.json", 2},
		{"all runs are behind a link", "runs", 0},
		{"all blobs are behind a link", "blobs", 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			root, outside := t.TempDir(), t.TempDir()
			r := openRegistry(t, root)
			runs, artifacts := threeRuns(t, r)
			for _, d := range artifacts {
				age(t, root, blobName(d.Digest), 3*grace)
			}
			name := test.special
			if strings.Contains(name, "%s") {
				name = fmt.Sprintf(name, runs[1])
			}
			path := filepath.Join(root, name)
			if err := os.Rename(path, filepath.Join(outside, "moved")); err != nil {
				t.Fatal(err)
			}
			err := os.Symlink(filepath.Join(outside, "moved"), path)
			if strings.Contains(test.name, "pipe") {
				os.Remove(path)
				err = syscall.Mkfifo(path, 0o666)
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := found(t, r, registry.CheckOptions{ReadData: true}); !slices.Contains(got, name+": special") {
				t.Errorf("Check finds %q", got)
			}
			report, err := r.GC(t.Context(), registry.GCOptions{Remove: true, Grace: grace})
			if name != "blobs" { // without blobs there is nothing to remove
				wantErr(t, "GC", err, registry.ErrCorrupt)
			}
			if len(report.Trashed)+len(report.Purged) > 0 {
				t.Errorf("GC removes %v", report)
			}
			to := newRegistry(t)
			err = registry.Copy(t.Context(), r, to, nil)
			wantErr(t, "Copy", err, registry.ErrCorrupt)
			if !strings.Contains(fmt.Sprint(err), name+" is a ") {
				t.Errorf("Copy does not name it: %v", err)
			}
			if got := collect(t, to.Runs(t.Context())); len(got) != test.wantCopied {
				t.Errorf("copied are %q, want %d", got, test.wantCopied)
			}
		})
	}
}

// TestPutBlobMends: what is damaged in the place of a blob is no obstacle to whoever has the right bytes.
func TestPutBlobMends(t *testing.T) {
	root := t.TempDir()
	r := openRegistry(t, root)
	d := putBlob(t, r, "weights")
	path := filepath.Join(root, blobName(d.Digest))
	for what, damage := range map[string]func() error{
		"flipped": func() error { overwrite(t, root, blobName(d.Digest), "weighty"); return nil },
		"cut":     func() error { overwrite(t, root, blobName(d.Digest), ""); return nil },
		"link":    func() error { os.Remove(path); return os.Symlink("/nowhere", path) },
		"pipe":    func() error { os.Remove(path); return syscall.Mkfifo(path, 0o666) },
	} {
		if err := damage(); err != nil {
			t.Fatal(err)
		}
		putBlob(t, r, "weights")
		if got, err := r.Blob(t.Context(), d); err != nil || string(got) != "weights" {
			t.Errorf("%s: the blob reads %q, %v", what, got, err)
		}
	}
}

// TestCopyFromTrash: what a run needs is copied although a collector has moved it away.
func TestCopyFromTrash(t *testing.T) {
	root := t.TempDir()
	from, to := openRegistry(t, root), newRegistry(t)
	_, artifacts := threeRuns(t, from)
	hex := artifacts[0].Digest.Hex()
	overwrite(t, root, "trash/sha256/"+hex[:2]+"/"+hex, "weights 0") // as earlier versions named it
	remove(t, root, blobName(artifacts[0].Digest))
	wantErr(t, "Copy", registry.Copy(t.Context(), from, to, nil), nil)
	if got := found(t, to, registry.CheckOptions{ReadData: true}); got != nil {
		t.Errorf("the copy has %q", got)
	}
}

// TestCheckSignatures: an emptied one, and one whose manifest is gone.
func TestCheckSignatures(t *testing.T) {
	root := t.TempDir()
	r := openRegistry(t, root)
	runs, _ := threeRuns(t, r)
	for _, run := range runs {
		if err := r.Sign(t.Context(), run, newKey(1)); err != nil {
			t.Fatal(err)
		}
	}
	emptied := "runs/" + runs[0] + "/signatures/" + registry.KeyID(publicKey(newKey(1))) + ".json"
	overwrite(t, root, emptied, "")
	remove(t, root, "runs/"+runs[1]+"/manifest.json")
	want := []string{emptied + ": bad signature", "runs/" + runs[1] + "/manifest.json: missing"}
	slices.Sort(want)
	for _, readData := range []bool{false, true} {
		if got := found(t, r, registry.CheckOptions{ReadData: readData}); !slices.Equal(got, want) {
			t.Errorf("ReadData %v: Check finds %q, want %q", readData, got, want)
		}
	}
}

// TestProblemsArePrintable: a name cannot add a line to a list of problems.
func TestProblemsArePrintable(t *testing.T) {
	root := t.TempDir()
	r := openRegistry(t, root)
	overwrite(t, root, "blobs/a\nis whole\x1b[2J", "")
	problems, err := r.Check(t.Context(), registry.CheckOptions{})
	if err != nil || len(problems) != 1 || strings.ContainsAny(problems[0].String(), "\n\x1b") {
		t.Errorf("Check finds %q, %v", problems, err)
	}
}

// TestImportedSignatures: they are verified before they are kept.
func TestImportedSignatures(t *testing.T) {
	from := newRegistry(t)
	runs, _ := threeRuns(t, from)
	key, keys := newKey(1), []ed25519.PublicKey{publicKey(newKey(1))}
	for _, run := range runs[:2] {
		if err := from.Sign(t.Context(), run, key); err != nil {
			t.Fatal(err)
		}
	}
	archive := export(t, from)
	add := func(archive []byte, keys []ed25519.PublicKey) (*registry.Registry, registry.ImportReport, error) {
		to := newRegistry(t)
		report, err := to.Import(t.Context(), bytes.NewReader(archive), registry.ImportOptions{PublicKeys: keys})
		return to, report, err
	}
	to, report, err := add(archive, nil)
	if err != nil || report.Runs != 3 || report.Unknown != 2 {
		t.Errorf("without a key: %+v, %v", report, err)
	}
	wantErr(t, "a signature that nobody has verified", to.VerifySignature(t.Context(), runs[0], keys[0]), registry.ErrNotExist)
	to, report, err = add(archive, keys)
	if err != nil || report.Runs != 2 || report.Unsigned != 1 {
		t.Errorf("with its key: %+v, %v", report, err)
	}
	wantErr(t, "with its key", to.VerifySignature(t.Context(), runs[0], keys[0]), nil)

	// The signature of another key, under the name of this one.
	forger := newRegistry(t)
	for i := range 3 {
		commit(t, forger, newManifest(i, nil))
	}
	run := collect(t, forger.Runs(t.Context()))[0]
	if err := forger.Sign(t.Context(), run, newKey(2)); err != nil {
		t.Fatal(err)
	}
	forged := bytes.ReplaceAll(export(t, forger), []byte(registry.KeyID(publicKey(newKey(2)))), []byte(registry.KeyID(keys[0])))
	if _, _, err := add(rehash(t, forged), keys); err == nil || !strings.Contains(err.Error(), "not one by key") {
		t.Errorf("a forged signature is imported: %v", err)
	}

	// A forged provenance that is there first does not pass unseen.
	m := newManifest(0, nil)
	honest := newRegistry(t)
	commit(t, honest, m)
	m.Provenance.Tool, m.Provenance.Commit = "forged", "0123"
	to = newRegistry(t)
	commit(t, to, m)
	report, err = to.Import(t.Context(), bytes.NewReader(export(t, honest)), registry.ImportOptions{})
	if err != nil || len(report.Kept) != 1 {
		t.Errorf("another provenance was there: %+v, %v", report, err)
	}
	if len(report.Displaced) > 0 {
		t.Errorf("nobody has signed, and %q are displaced", report.Displaced)
	}
	id := report.Kept[0]
	if err := honest.Sign(t.Context(), id, key); err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		signer    ed25519.PrivateKey // of what is there
		displaced []string
	}{{nil, []string{id}}, {newKey(2), []string{id}}, {key, nil}} {
		if x.signer != nil {
			if err := to.Sign(t.Context(), id, x.signer); err != nil {
				t.Fatal(err)
			}
		}
		report, err = to.Import(t.Context(), bytes.NewReader(export(t, honest)), registry.ImportOptions{PublicKeys: keys})
		if err != nil || !slices.Equal(report.Displaced, x.displaced) || len(report.Kept) != 1 {
			t.Errorf("signed: %v is what was there: %+v, %v", x.signer != nil, report, err)
		}
	}
}

// TestSmallOrderKeys: for the identity, any signature with S = 0 and R = the identity verifies.
func TestSmallOrderKeys(t *testing.T) {
	root := t.TempDir()
	r := openRegistry(t, root)
	run, digest := commit(t, r, newManifest(1, nil))
	identity := make(ed25519.PublicKey, ed25519.PublicKeySize)
	identity[0] = 1
	if err := r.Sign(t.Context(), run, newKey(1)); err != nil {
		t.Fatal(err)
	}
	text := readFile(t, root, "runs/"+run+"/signatures/"+registry.KeyID(publicKey(newKey(1)))+".json")
	var e map[string]any
	if err := json.Unmarshal([]byte(text), &e); err != nil {
		t.Fatal(err)
	}
	sig := make([]byte, ed25519.SignatureSize)
	sig[0] = 1
	id := registry.KeyID(identity)
	e["signatures"] = []any{map[string]any{"keyid": id, "sig": base64.StdEncoding.EncodeToString(sig)}}
	forged, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	overwrite(t, root, "runs/"+run+"/signatures/"+id+".json", string(forged)+"\n")
	wantErr(t, "a signature by the identity, of "+string(digest), r.VerifySignature(t.Context(), run, identity), registry.ErrCorrupt)
	if err := registry.CheckPublicKey(publicKey(newKey(1))); err != nil {
		t.Errorf("an honest key: %v", err)
	}
}
