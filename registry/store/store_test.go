package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cidbench/cidbench/registry/store"
	"github.com/cidbench/cidbench/registry/store/storetest"
)

func TestMain(m *testing.M) {
	storetest.Main(m, func(raw string) (store.Store, error) {
		u, err := url.Parse(raw)
		if err != nil {
			return nil, err
		}
		return store.NewDir(u.Path)
	})
}

func TestMemory(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store { return store.NewMemory(t.Name()) })
}

func openDir(t *testing.T) store.Store {
	s, err := store.NewDir(filepath.Join(t.TempDir(), "not yet", "there"))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestDir(t *testing.T) { storetest.Run(t, openDir) }

func TestDirProcesses(t *testing.T) { storetest.RunProcesses(t, openDir) }

func TestDirFiles(t *testing.T) {
	root := t.TempDir()
	s, err := store.NewDir(root)
	if err != nil {
		t.Fatal(err)
	}
	put := func(key, data string) error {
		return s.Create(t.Context(), key, strings.NewReader(data), int64(len(data)), store.DigestOf([]byte(data)))
	}
	for _, err := range []error{put("a/b", "x"), put("a/c", "x"), s.Delete(t.Context(), "a/c")} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := put("a/b", "y"); !errors.Is(err, store.ErrExist) {
		t.Fatal(err)
	}
	if _, err := s.Swap(t.Context(), "r", "", []byte("1")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a/b", "r"} {
		fi, err := os.Stat(filepath.Join(root, name))
		if err != nil || fi.Mode() != 0o444 {
			t.Errorf("%s has the mode %v, %v, want -r--r--r--", name, fi.Mode(), err)
		}
	}
	left, err := os.ReadDir(filepath.Join(root, ".tmp"))
	if err != nil || len(left) != 0 {
		t.Errorf("temporary files are left: %v, %v", left, err)
	}
	// What file systems and killed writers leave is nobody's object; a foreign
	// file is listed, even under a name that is not a key.
	for _, name := range []string{".tmp/1234", ".DS_Store", "a/.nfs0001", "A B"} {
		if err := os.WriteFile(filepath.Join(root, name), nil, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	var listed []string
	for info, err := range s.List(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		listed = append(listed, info.Key)
	}
	if got := strings.Join(listed, ","); got != "A B,a/b,r" {
		t.Errorf("List yields %s, want A B,a/b,r", got)
	}
}

func TestDirUnavailable(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	s, err := store.NewDir(filepath.Join(file, "store"))
	if err != nil {
		t.Fatal(err)
	}
	err = s.Create(t.Context(), "k", strings.NewReader(""), 0, store.DigestOf(nil))
	if !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("Create below a file: %v, want ErrUnavailable", err)
	}
	if _, err = s.Swap(t.Context(), "k", "", nil); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("Swap below a file: %v, want ErrUnavailable", err)
	}
	if _, err = s.Stat(t.Context(), "k"); !errors.Is(err, store.ErrNotExist) {
		t.Errorf("Stat below a file: %v, want ErrNotExist", err)
	}
}

func TestDirDenied(t *testing.T) {
	root := t.TempDir()
	if err := os.Chmod(root, 0o555); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(root, "probe"), 0o777); err == nil {
		t.Skip("this user may write everywhere")
	}
	s, err := store.NewDir(root)
	if err != nil {
		t.Fatal(err)
	}
	err = s.Create(t.Context(), "k", strings.NewReader(""), 0, store.DigestOf(nil))
	if !errors.Is(err, store.ErrUnavailable) || !errors.Is(err, fs.ErrPermission) {
		t.Errorf("Create without permission: %v, want ErrUnavailable", err)
	}
}

func FuzzValidKey(f *testing.F) {
	for _, key := range []string{"", "a", "a/b.json", "../a", "a//b", "/a", "a/", ".tmp/x", "a/..b", "A", "a\x00"} {
		f.Add(key)
	}
	f.Fuzz(func(t *testing.T, key string) {
		if !store.ValidKey(key) {
			return
		}
		if !fs.ValidPath(key) || !filepath.IsLocal(key) || filepath.ToSlash(filepath.Clean(key)) != key {
			t.Errorf("%q is valid, but not a local path in its simplest form", key)
		}
		if strings.HasPrefix(key, ".") || strings.Contains(key, "/.") {
			t.Errorf("%q is valid, but hidden", key)
		}
		if strings.ToLower(key) != key {
			t.Errorf("%q is valid, but has capitals", key)
		}
	})
}

func FuzzParseDigest(f *testing.F) {
	for _, s := range []string{"", "sha256:", string(store.DigestOf(nil)), strings.ToUpper(string(store.DigestOf(nil)))} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := store.ParseDigest(s)
		if err != nil {
			if d != "" {
				t.Errorf("ParseDigest(%q) = %q and an error", s, d)
			}
			return
		}
		if string(d) != s || len(d.Hex()) != 64 || s != "sha256:"+d.Hex() || strings.ToLower(s) != s {
			t.Errorf("ParseDigest(%q) = %q", s, d)
		}
	})
}

// A flippingStore flips a bit of what the next reads give.
type flippingStore struct {
	store.Store
	flips int
}

func (s *flippingStore) Get(ctx context.Context, key string) (io.ReadCloser, store.Info, error) {
	body, info, err := s.Store.Get(ctx, key)
	if err != nil || s.flips == 0 {
		return body, info, err
	}
	defer body.Close()
	data, err := io.ReadAll(body)
	data[s.flips] ^= 1
	s.flips--
	return io.NopCloser(bytes.NewReader(data)), info, err
}

// TestHolds: a bit that flips on the way does not make a key one that others have taken.
func TestHolds(t *testing.T) {
	data := []byte("some bytes")
	s := &flippingStore{Store: store.NewMemory(t.Name())}
	if err := s.Create(t.Context(), "k", bytes.NewReader(data), int64(len(data)), store.DigestOf(data)); err != nil {
		t.Fatal(err)
	}
	for flips, want := range []error{nil, nil, store.ErrCorrupt} {
		s.flips = flips
		storetest.WantErr(t, fmt.Sprint(flips, " flips"), store.Holds(t.Context(), s, "k", int64(len(data)), store.DigestOf(data)), want)
	}
	storetest.WantErr(t, "other bytes", store.Holds(t.Context(), s, "k", int64(len(data)), store.DigestOf([]byte("other byte"))), store.ErrExist)
	storetest.WantErr(t, "fewer bytes", store.Holds(t.Context(), s, "k", 1, store.DigestOf(data)), store.ErrExist)
	storetest.WantErr(t, "no bytes", store.Holds(t.Context(), s, "absent", 1, store.DigestOf(data)), store.ErrNotExist)
}
