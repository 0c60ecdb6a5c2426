package importer

import (
	"archive/tar"
	"archive/zip"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"runtime/metrics"
	"testing"

	"github.com/cidbench/cidbench/bench/dataset/files"
	"github.com/cidbench/cidbench/bench/taxonomy"
)

// TestMemoryIsBounded: what is live during an import does not grow with the set where files are read at their places. It
// does with a tar.gz, as is documented, which shows that the test sees what it looks for.
func TestMemoryIsBounded(t *testing.T) {
	const (
		filler      = 8 << 10 // bytes after the end of each picture
		few, more   = 2 * block, 5 * block
		allowed     = 2 << 10 // bytes an image: its name and place
		whatIsAdded = (more - few) * filler
	)
	for name, pile := range map[string]struct {
		write func(*testing.T, string, []named) error
		held  bool // in memory, as a whole
	}{
		"folder": {writeFolder, false},
		"a.zip":  {writeZip, false},
		"a.tar":  {writeTar, false},
		"a.tgz":  {writeTarGz, true},
	} {
		t.Run(name, func(t *testing.T) {
			var live [2]int64
			for i, n := range []int{few, more} {
				at := filepath.Join(t.TempDir(), name)
				if err := pile.write(t, at, distinct(t, n, filler)); err != nil {
					t.Fatal(err)
				}
				live[i] = livePeak(t, at)
			}
			grown := live[1] - live[0]
			t.Logf("%d images and %d MB more: %.1f MB live in place of %.1f", more-few, whatIsAdded>>20, float64(live[1])/1e6, float64(live[0])/1e6)
			if bounded := grown < (more-few)*allowed; bounded == pile.held || pile.held && grown < whatIsAdded*9/10 {
				t.Errorf("what is live has grown by %d bytes with %d images, whose files have %d", grown, more-few, whatIsAdded)
			}
		})
	}
}

// livePeak imports what lies there, at 64 pixels, and gives the most that was live meanwhile, in bytes.
func livePeak(t *testing.T, at string) (most int64) {
	t.Helper()
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	measure := func() {
		runtime.GC()
		metrics.Read(live)
		most = max(most, int64(live[0].Value.Uint64()))
	}
	set, err := files.Open(at, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer set.Close()
	_, err = Run(t.Context(), set, Options{
		Dir: t.TempDir(), Name: "things", From: "a test", Side: 64, Tree: taxonomy.Flat("thing", set.Classes...), Workers: 2,
		Progress: func(done, _ int) {
			if done%block == 1 {
				measure()
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return most
}

// named is a file.
type named struct {
	name    string
	content []byte
}

// distinct are so many pictures of two classes, each with so many bytes after its end, which no other has.
func distinct(t *testing.T, n, filler int) []named {
	t.Helper()
	all, random := make([]named, n), rand.NewChaCha8([32]byte{1})
	one := picture(t, 1, 8)
	for i := range all {
		content := make([]byte, len(one)+filler)
		if _, err := random.Read(content[copy(content, one):]); err != nil {
			t.Fatal(err)
		}
		all[i] = named{fmt.Sprintf("%c/%05d.png", 'a'+i%2, i), content}
	}
	return all
}

func writeFolder(t *testing.T, at string, all []named) error {
	for _, f := range all {
		put(t, at, f.name, f.content)
	}
	return nil
}

func writeZip(_ *testing.T, at string, all []named) error {
	return create(at, func(out io.Writer) error {
		w := zip.NewWriter(out)
		for _, f := range all {
			file, err := w.CreateHeader(&zip.FileHeader{Name: f.name})
			if err == nil {
				_, err = file.Write(f.content)
			}
			if err != nil {
				return err
			}
		}
		return w.Close()
	})
}

func writeTar(_ *testing.T, at string, all []named) error {
	return create(at, func(out io.Writer) error { return tarTo(out, all) })
}

func writeTarGz(_ *testing.T, at string, all []named) error {
	return create(at, func(out io.Writer) error {
		w, err := gzip.NewWriterLevel(out, gzip.NoCompression)
		if err != nil {
			return err
		}
		return errors.Join(tarTo(w, all), w.Close())
	})
}

func tarTo(out io.Writer, all []named) error {
	w := tar.NewWriter(out)
	for _, f := range all {
		err := w.WriteHeader(&tar.Header{Name: f.name, Mode: 0o644, Size: int64(len(f.content)), Typeflag: tar.TypeReg})
		if err == nil {
			_, err = w.Write(f.content)
		}
		if err != nil {
			return err
		}
	}
	return w.Close()
}

func create(at string, write func(io.Writer) error) error {
	file, err := os.Create(at)
	if err != nil {
		return err
	}
	return errors.Join(write(file), file.Close())
}
