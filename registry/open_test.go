package registry_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/cidbench/cidbench/registry"
	"github.com/cidbench/cidbench/registry/s3/s3test"
)

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
		if again := openRegistry(t, url); again.ID() != first.ID() {
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
		if err := os.CopyFS(dir, fstest.MapFS{name: {Data: []byte(content)}}); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	const configName = "cidbench-registry.json"
	for _, test := range []struct {
		name, url string
		want      error
		says      string
	}{
		{"below a file", write("f", "") + "/f/registry", registry.ErrUnavailable, "file://"},
		{"other content", write("thesis.tex", ""), registry.ErrForeign, "thesis.tex"},
		{"no configuration", write("runs/0123456789abcdef0123456789abcdef/lease.json", ""), registry.ErrCorrupt, "lease.json"},
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

// TestS3RefusesGoFakeS3: a server that people do use in tests, and that lets two writers win.
func TestS3RefusesGoFakeS3(t *testing.T) {
	server := s3test.Start(t, s3test.GoFakeS3)
	_, err := registry.Open(t.Context(), server.URL("refused"))
	if err == nil {
		t.Fatal("a registry is opened on a server that ignores conditional writes")
	}
	if !strings.Contains(err.Error(), "If-None-Match") && !strings.Contains(err.Error(), "condition") && !strings.Contains(err.Error(), "checksum") {
		t.Errorf("the error does not say which guarantee is missing: %v", err)
	}
	t.Log(err)
}
