package files

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// entries is a tar of these, in order; regular ones hold their own names.
func entries(t testing.TB, headers ...tar.Header) string {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, h := range headers {
		content := ""
		switch h.Typeflag {
		case 0:
			h.Typeflag, h.Mode, content = tar.TypeReg, 0o644, h.Name
			h.Size = int64(len(content))
		case tar.TypeXGlobalHeader: // has no mode
		default:
			h.Mode = 0o755
		}
		err := w.WriteHeader(&h)
		if err == nil {
			_, err = w.Write([]byte(content))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// TestNothingIsPassedOver: what lies there is an image, or one that cannot be read and says why, or is listed.
func TestNothingIsPassedOver(t *testing.T) {
	beside := func(content map[string]string, names ...string) map[string]string {
		for _, name := range names {
			content[name] = "mine"
		}
		return content
	}
	within := func(dir string, do func(at string) error, names ...string) string {
		for _, name := range names {
			if err := do(filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
		}
		return dir
	}
	pipe := func(at string) error { return syscall.Mkfifo(at, 0o644) }
	away := func(at string) error { return os.Symlink("/nowhere/at/all", at) }
	zipped := func(names ...string) string {
		var out bytes.Buffer
		w := zip.NewWriter(&out)
		for _, name := range names {
			h := &zip.FileHeader{Name: name}
			if h.SetMode(0o644); strings.Contains(name, "link") {
				h.SetMode(fs.ModeSymlink | 0o777)
			}
			f, err := w.CreateHeader(h)
			if err == nil {
				_, err = f.Write([]byte(name))
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return write(t, "a.zip", out.String())
	}
	two := func(more ...tar.Header) string {
		return write(t, "a.tar", entries(t, append([]tar.Header{{Name: "a/", Typeflag: tar.TypeDir}, {Name: "a/1.png"}, {Name: "b/2.png"}}, more...)...))
	}
	plain := map[string]string{"a/1.png": "1", "b/2.png": "2"}
	for name, c := range map[string]struct {
		at         string
		images     int // that can be read
		others     []string
		unreadable map[string]string // what is said of those that cannot
	}{
		"beside CIFAR-10":  {folder(t, beside(cifar10Files(), "cifar-10-batches-bin/data_batch_6.bin")), 12, []string{"data_batch_6.bin", "readme.html"}, nil},
		"beside CIFAR-100": {folder(t, beside(cifar100Files(), "notes", "coarse_label_names.txt")), 3, []string{"notes"}, nil},
		"labels alone":     {folder(t, beside(idxFiles(), "extra-labels-idx1-ubyte")), 4, []string{"README", "extra-labels-idx1-ubyte"}, nil},
		"pipes":            {within(folder(t, plain), pipe, "top", "a/p.png", "n03.tar"), 2, nil, map[string]string{"a/p.png": "a pipe", "n03.tar": "a pipe", "top": "a pipe"}},
		"links to nothing": {within(folder(t, plain), away, "top", "a/l.png"), 2, nil, map[string]string{"a/l.png": "no such file", "top": "no such file"}},
		"twice: a folder and a tar": {folder(t, map[string]string{"a/1.png": "1", "a/3.png": "3", "b/2.png": "2", "a.tar": tarOf(t, map[string]string{"1.png": "one", "4.png": "4"})}), 3, nil,
			map[string]string{"a/1.png": "two files"}},
		"twice in a tar": {two(tar.Header{Name: "./a/1.png"}), 1, nil, map[string]string{"a/1.png": "two files"}},
		"hard links": {two(tar.Header{Name: "b/1.png", Typeflag: tar.TypeLink, Linkname: "a/1.png"}, tar.Header{Name: "b/9.png", Typeflag: tar.TypeLink, Linkname: "a/9.png"}), 3, nil,
			map[string]string{"b/9.png": "a link to a/9.png"}},
		"links and pipes in a tar": {two(tar.Header{Name: "b/1.png", Typeflag: tar.TypeSymlink, Linkname: "../a/1.png"}, tar.Header{Name: "c", Typeflag: tar.TypeSymlink, Linkname: "a"}, tar.Header{Name: "a/p", Typeflag: tar.TypeFifo}),
			2, nil, map[string]string{"b/1.png": "a symbolic link: pack the tar with", "a/p": "a pipe", "c": "a symbolic link"}},
		"a git archive": {two(tar.Header{Typeflag: tar.TypeXGlobalHeader, PAXRecords: map[string]string{"comment": "a commit"}}), 2, nil, nil},
		"a zip":         {zipped("a/1.png", "b/2.png", "a//1.png", "b/link.png", "link"), 1, nil, map[string]string{"a/1.png": "two files", "b/link.png": "a symbolic link", "link": "a symbolic link"}},
	} {
		s, err := Open(c.at, nil)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		read, failed := 0, map[string]string{}
		for _, u := range s.Unreadable {
			failed[u.Name] = u.Why
		}
		for i, image := range s.Images {
			if _, err := s.Read(i); err != nil {
				failed[image.Name] = err.Error()
			} else {
				read++
			}
		}
		if read != c.images || !slices.Equal(s.Others, c.others) || !slices.Equal(slices.Sorted(maps.Keys(failed)), slices.Sorted(maps.Keys(c.unreadable))) {
			t.Errorf("%s: %d images, others %q, unreadable %q", name, read, s.Others, failed)
		}
		for file, why := range c.unreadable {
			if !strings.Contains(failed[file], why) {
				t.Errorf("%s: %q does not say %q", name, failed[file], why)
			}
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	// A hard link is the file that it leads to.
	s, err := Open(two(tar.Header{Name: "b/1.png", Typeflag: tar.TypeLink, Linkname: "a/1.png"}), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if got := summary(t, s); !slices.Equal(got, []string{`train a "a/1.png"`, `train b "a/1.png"`, `train b "b/2.png"`}) {
		t.Errorf("%q", got)
	}
}
