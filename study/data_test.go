package study

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/bench/dataset"
	"github.com/cidbench/cidbench/bench/dataset/shards"
	"github.com/cidbench/cidbench/bench/taxonomy"
)

// cifar is an archive in the format of CIFAR-10's binary version, of few images that differ.
func cifar(t *testing.T) []byte {
	t.Helper()
	var out bytes.Buffer
	packed := gzip.NewWriter(&out)
	w := tar.NewWriter(packed)
	add := func(name string, content []byte) {
		if err := w.WriteHeader(&tar.Header{Name: "cifar-10-batches-bin/" + name, Mode: 0o644, Size: int64(len(content))}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(content); err != nil {
			t.Fatal(err)
		}
	}
	add("batches.meta.txt", []byte(strings.Join(taxonomy.Classes(taxonomy.CIFAR10()), "\n")+"\n"))
	batch := func(of int) (content []byte) {
		for label := range 10 {
			content = append(append(content, byte(label)), bytes.Repeat([]byte{byte(of), byte(label), byte(of * label)}, 1024)...)
		}
		return content
	}
	for i := 1; i <= 5; i++ {
		add(fmt.Sprintf("data_batch_%d.bin", i), batch(i))
	}
	add("test_batch.bin", batch(6))
	if err := errors.Join(w.Close(), packed.Close()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestFetch: a published set is downloaded once, imported, and identified by its archive and reader.
func TestFetch(t *testing.T) {
	archive := cifar(t)
	sum := sha256.Sum256(archive)
	digest := "sha256:" + hex.EncodeToString(sum[:])
	var asked []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asked = append(asked, r.URL.Path); r.URL.Path == "/gone" {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write(archive)
	}))
	defer server.Close()
	source := &dataset.Source{
		Name: "small10", From: "a test", Digest: digest + "/cifar10-v1", Tree: taxonomy.CIFAR10, Read: shards.Read("small10"),
		Import: &dataset.Import{URL: server.URL + "/small.tar.gz", Digest: digest, Bytes: int64(len(archive))},
	}
	data := Data{Catalogue: &bench.Catalogue{Datasets: []*dataset.Source{source}}, Dir: t.TempDir()}
	if _, err := source.Open(data.Dir); err == nil || !strings.Contains(err.Error(), "data fetch small10") {
		t.Errorf("a set that is not here: %v", err)
	}
	for range 2 {
		x, err := data.Fetch(t.Context(), "small10", FetchOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if x.Digest != source.Digest || len(x.Train.Labels) != 50 || len(x.Test.Labels) != 10 || x.Archive != digest {
			t.Errorf("%s: %d and %d images", x.Digest, len(x.Train.Labels), len(x.Test.Labels))
		}
	}
	if want := []string{"/small.tar.gz"}; !slices.Equal(asked, want) {
		t.Errorf("asked for %q, want %q", asked, want)
	}
	// Mirrors are asked before the catalogue's address, in their order, and the first that has it is the last.
	asked = nil
	mirrors := []string{server.URL + "/gone", server.URL + "/mirror", server.URL + "/third"}
	if x, err := (Data{data.Catalogue, t.TempDir()}).Fetch(t.Context(), "small10", FetchOptions{Mirrors: mirrors}); err != nil || x.Digest != source.Digest {
		t.Errorf("from a mirror: %v", err)
	}
	if want := []string{"/gone", "/mirror"}; !slices.Equal(asked, want) {
		t.Errorf("asked for %q, want %q", asked, want)
	}
	opened, err := source.Open(data.Dir)
	if err != nil {
		t.Fatal(err)
	}
	image := opened.Train.Buffer()
	if err := opened.Train.Read(23, image); err != nil || opened.Train.Labels[23] != 3 || image[0] != 3 {
		t.Errorf("image 23 has label %d and begins with %v, %v", opened.Train.Labels[23], image[:3], err)
	}
	all, err := data.List()
	if err != nil || len(all) != 1 || all[0].State != Imported || all[0].Train != 50 {
		t.Errorf("%+v, %v", all, err)
	}
	if _, err := data.Sheet("small10"); err != nil {
		t.Error(err)
	}
	if verified, err := data.Verify(nil); err != nil || len(verified) != 1 {
		t.Errorf("%v, %v", verified, err)
	}

	// The same files from elsewhere are not the published set, unless it is the same archive.
	file := filepath.Join(t.TempDir(), "mine.tar.gz")
	if err := os.WriteFile(file, archive, 0o644); err != nil {
		t.Fatal(err)
	}
	asked = nil
	if x, err := (Data{data.Catalogue, t.TempDir()}).Fetch(t.Context(), "small10", FetchOptions{From: file}); err != nil || x.Digest != source.Digest || len(asked) > 0 {
		t.Errorf("fetched from a file: %v, asked for %q", err, asked)
	}
	elsewhere := Data{data.Catalogue, t.TempDir()}
	if x, err := elsewhere.Import(t.Context(), file, ImportOptions{Name: "small10"}); err != nil || x.Digest != source.Digest {
		t.Errorf("the archive as a file: %v", err)
	}
	if err := os.WriteFile(file, append(slices.Clone(archive), archive...), 0o644); err != nil { // the same tar, packed otherwise
		t.Fatal(err)
	}
	if _, err := elsewhere.Import(t.Context(), file, ImportOptions{Name: "small10", Replace: true}); !errors.Is(err, dataset.ErrDigest) {
		t.Errorf("another archive: %v", err)
	}
	if _, err := elsewhere.Fetch(t.Context(), "small10", FetchOptions{From: file}); err != nil {
		t.Errorf("what is there already: %v", err)
	}
	if x, err := elsewhere.Import(t.Context(), file, ImportOptions{Name: "mine"}); err != nil || x.Digest != x.Content {
		t.Errorf("under a name of its own: %v", err)
	}
}

// TestPin: what only an import knows is known once it was imported, and not before.
func TestPin(t *testing.T) {
	source := &dataset.Source{Name: "mine", From: "its user", Read: shards.Read("mine"), Import: &dataset.Import{}}
	data := Data{Catalogue: &bench.Catalogue{Datasets: []*dataset.Source{source}}, Dir: t.TempDir()}
	if _, err := source.Pin(data.Dir); err == nil {
		t.Error("a set that is not here has a digest")
	}
	file := filepath.Join(t.TempDir(), "mine.tar.gz")
	if err := os.WriteFile(file, cifar(t), 0o644); err != nil {
		t.Fatal(err)
	}
	x, err := data.Import(t.Context(), file, ImportOptions{}) // named by its file
	if err != nil {
		t.Fatal(err)
	}
	pinned, err := source.Pin(data.Dir)
	if err != nil || pinned.Digest != x.Content || pinned.Tree().Leaves() != 10 || source.Digest != "" {
		t.Errorf("%+v, %v", pinned, err)
	}
}

// Whatever is in a list of classes, there is a usage error that names the file, or a folder and a meaning for each line.
func FuzzClasses(f *testing.F) {
	f.Add("cat\ndog\n")
	f.Add("# birds\n\ncrane\tn02012849\r\n  jay\t blue jay\n")
	f.Add("a\tb\tc\n")
	f.Add("a\t \n")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := parseClasses("classes.txt", text)
		if err != nil {
			if !errors.As(err, new(UsageError)) || !strings.Contains(err.Error(), "classes.txt") {
				t.Fatal(err)
			}
			return
		}
		for i, folder := range c.folders {
			if meaning := c.meanings[i]; folder == "" || meaning == "" || strings.ContainsAny(folder+meaning, "\t\n") || strings.HasPrefix(folder, "#") {
				t.Fatalf("folder %q means %q", folder, meaning)
			}
		}
		if len(c.folders) == 0 || len(c.folders) != len(c.meanings) {
			t.Fatalf("%d folders, %d meanings", len(c.folders), len(c.meanings))
		}
	})
}
