package registry_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/cidbench/cidbench/registry"
	"github.com/cidbench/cidbench/registry/s3/s3test"
	"github.com/google/go-cmp/cmp"
)

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
}

// TestS3FlippedOnDisk flips a byte in the file of the server.
func TestS3FlippedOnDisk(t *testing.T) {
	server := s3test.Start(t, s3test.Versitygw)
	r := openRegistry(t, server.URL("p"))
	d := putBlob(t, r, "a checkpoint")
	run, _ := commit(t, r, newManifest(1, map[string]registry.Descriptor{"checkpoint": d}))
	path := server.File("p/" + blobName(d.Digest))
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte("A"), 0); err != nil {
		t.Fatal(err)
	}
	f.Close()
	_, err = r.Blob(t.Context(), d)
	wantErr(t, "Blob", err, registry.ErrCorrupt)
	if got := found(t, r, registry.CheckOptions{ReadData: true}); len(got) != 1 || got[0] != blobName(d.Digest)+": flipped" {
		t.Errorf("Check finds %q", got)
	}
	if _, _, err := r.Run(t.Context(), run); err != nil {
		t.Error(err)
	}
	putBlob(t, r, "a checkpoint")
	_, err = r.Blob(t.Context(), d)
	wantErr(t, "Blob after the right bytes were put", err, nil)
}
