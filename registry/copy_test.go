package registry_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cidbench/cidbench/registry"
	"github.com/cidbench/cidbench/registry/s3/s3test"
	"github.com/cidbench/cidbench/registry/store"
	"github.com/google/go-cmp/cmp"
)

// fill writes runs, one of them failed and one unfinished, and signatures.
func fill(t *testing.T, r *registry.Registry) {
	t.Helper()
	for i := range 5 {
		large := make([]byte, 1<<20+i)
		rand.Read(large)
		d, err := r.PutBlob(t.Context(), "application/octet-stream", large)
		if err != nil {
			t.Fatal(err)
		}
		run := newRunID(t, i)
		if _, err := r.Append(t.Context(), run, "checkpoint", d); err != nil {
			t.Fatal(err)
		}
		if i == 4 {
			continue
		}
		commit(t, r, newManifest(i, map[string]registry.Descriptor{"checkpoint": d, "log": putBlob(t, r, fmt.Sprint("log ", i))}))
		if err := r.Sign(t.Context(), run, newKey(1)); err != nil {
			t.Fatal(err)
		}
	}
	commit(t, r, registry.Manifest{Status: registry.Failed, Reason: "diverged", Key: []byte(`{"seed":"failed"}`)})
}

// content has the digest of every object but the file with the registry's id and its index.
func content(t *testing.T, url string) map[string]registry.Digest {
	t.Helper()
	s, err := registry.OpenStore(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	all := make(map[string]registry.Digest)
	for info, err := range s.List(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		data, _, err := s.Load(t.Context(), info.Key)
		if err != nil {
			t.Fatal(err)
		}
		if info.Key != "cidbench-registry.json" && !strings.HasPrefix(info.Key, "index/") {
			all[info.Key] = registry.DigestOf(data)
		}
	}
	return all
}

// TestCopy goes from a directory to S3 and back, with an interruption.
func TestCopy(t *testing.T) {
	dir, s3, back := t.TempDir(), s3test.Start(t, s3test.Versitygw).URL("p"), t.TempDir()
	from := openRegistry(t, dir)
	fill(t, from)
	to := openRegistry(t, s3)
	ctx, cancel := context.WithCancel(t.Context())
	err := registry.Copy(ctx, from, to, func(p registry.CopyProgress) {
		if p.Objects == 7 {
			cancel()
		}
	})
	wantErr(t, "an interrupted copy", err, context.Canceled)
	if got := found(t, to, registry.CheckOptions{ReadData: true}); got != nil {
		t.Errorf("after the interruption: %q", got)
	}
	copyAll := func(from, to *registry.Registry) (last registry.CopyProgress) {
		t.Helper()
		if err := registry.Copy(t.Context(), from, to, func(p registry.CopyProgress) { last = p }); err != nil {
			t.Fatal(err)
		}
		if last.Objects != last.Total || last.Total == 0 {
			t.Errorf("%d of %d objects are reported", last.Objects, last.Total)
		}
		return last
	}
	if p := copyAll(from, to); p.Skipped < 7 || p.Skipped > 20 {
		t.Errorf("%d of %d objects were there, want at least the 7 of the first attempt", p.Skipped, p.Total)
	}
	if p := copyAll(from, to); p.Bytes != 0 {
		t.Errorf("another copy sends %d bytes", p.Bytes)
	}
	copyAll(to, openRegistry(t, back))
	want := content(t, dir)
	for _, url := range []string{s3, back} {
		if diff := cmp.Diff(want, content(t, url)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", url, diff)
		}
	}
	if got := found(t, to, registry.CheckOptions{ReadData: true, PublicKey: publicKey(newKey(1))}); len(got) != 1 { // the failed run
		t.Errorf("Check of the copy: %q", got)
	}
}

func TestCopyDamaged(t *testing.T) {
	root := t.TempDir()
	from, to := openRegistry(t, root), newRegistry(t)
	bad, good := putBlob(t, from, "bad"), putBlob(t, from, "good")
	one, _ := commit(t, from, newManifest(1, map[string]registry.Descriptor{"a": bad}))
	two, _ := commit(t, from, newManifest(2, map[string]registry.Descriptor{"a": good}))
	overwrite(t, root, blobName(bad.Digest), "bbd")
	wantErr(t, "Copy", registry.Copy(t.Context(), from, to, nil), registry.ErrCorrupt)
	if runs := collect(t, to.Runs(t.Context())); !slices.Equal(runs, []string{two}) {
		t.Errorf("copied are %q, want %s without %s", runs, two, one)
	}
	if got := found(t, to, registry.CheckOptions{ReadData: true}); got != nil {
		t.Errorf("the copy has %q", got)
	}
}

func TestCopyConflict(t *testing.T) {
	from, to := newRegistry(t), newRegistry(t)
	m := newManifest(1, nil)
	commit(t, from, m)
	m.Result = []byte(`{"top1":0.7}`)
	commit(t, to, m)
	wantErr(t, "another result", registry.Copy(t.Context(), from, to, nil), registry.ErrConflict)
}

// TestCopyKeepsProvenance: what is there with the same result and another provenance stays, which is said; and it is no
// success where somebody has signed the other.
func TestCopyKeepsProvenance(t *testing.T) {
	for _, tool := range []string{"cidbench 6.6", "of another size"} {
		from, to := newRegistry(t), newRegistry(t)
		m := newManifest(1, nil)
		run, _ := commit(t, from, m)
		m.Provenance.Tool = tool
		_, forged := commit(t, to, m)
		again := func() (last registry.CopyProgress, err error) {
			err = registry.Copy(t.Context(), from, to, func(p registry.CopyProgress) { last = p })
			if _, digest, e := to.Run(t.Context(), run); e != nil || digest != forged {
				t.Errorf("%s: the manifest is %s, %v", tool, digest, e)
			}
			return last, err
		}
		if last, err := again(); err != nil || !slices.Equal(last.Kept, []string{run}) {
			t.Errorf("%s: %+v, %v", tool, last, err)
		}
		if err := from.Sign(t.Context(), run, newKey(1)); err != nil {
			t.Fatal(err)
		}
		if _, err := again(); !errors.Is(err, registry.ErrConflict) || !strings.Contains(err.Error(), run) {
			t.Errorf("%s, the other signed: %v", tool, err)
		}
		if err := to.Sign(t.Context(), run, newKey(1)); err != nil {
			t.Fatal(err)
		}
		if last, err := again(); err != nil || len(last.Kept) != 1 {
			t.Errorf("%s, both signed by one: %+v, %v", tool, last, err)
		}
	}
}

// TestNoTemporaryFiles: where there is no room for temporary files that is said of the storage, and of no object.
func TestNoTemporaryFiles(t *testing.T) {
	from := newRegistry(t)
	fill(t, from)
	var archive bytes.Buffer
	if _, err := from.Export(t.Context(), &archive, nil); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", t.TempDir()+"/absent")
	to := newRegistry(t)
	wantErr(t, "Copy", registry.Copy(t.Context(), from, to, nil), registry.ErrUnavailable)
	_, err := to.Import(t.Context(), &archive, registry.ImportOptions{})
	wantErr(t, "Import", err, registry.ErrUnavailable)
	garbage := openOn(t, agedStore{store.NewMemory(t.Name())})
	putBlob(t, garbage, "garbage")
	report, err := garbage.GC(t.Context(), registry.GCOptions{Remove: true, Grace: time.Hour})
	wantErr(t, "GC", err, registry.ErrUnavailable)
	if len(report.Damaged) > 0 {
		t.Errorf("a whole blob is taken for damaged: %v", report.Damaged)
	}
}
