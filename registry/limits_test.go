package registry

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// TestLimitsOfArchives: so many entries, and so many bytes in all of them, and no more.
func TestLimitsOfArchives(t *testing.T) {
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for range 4 {
		if err := writeFile(w, "a", []byte("12345")); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		entries int
		bytes   int64
		want    string
	}{{4, 20, ""}, {3, 20, "more than 3 files"}, {4, 19, "has 5 bytes, more than are allowed"}} {
		seen := 0
		err := readArchive(t.Context(), bytes.NewReader(out.Bytes()), x.entries, x.bytes, func(*tar.Header, io.Reader) error {
			seen++
			return nil
		})
		if x.want == "" && (err != nil || seen != 4) || x.want != "" && (!errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), x.want) || seen != 3) {
			t.Errorf("of 4 files with 20 bytes, %d files and %d bytes allowed: %d are read, %v", x.entries, x.bytes, seen, err)
		}
	}

	// A file that is too large for evidence is not even read.
	large := filepath.Join(t.TempDir(), "evidence.tar.gz")
	if err := errors.Join(os.WriteFile(large, nil, 0o600), os.Truncate(large, maxEvidence+1)); err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := OpenExisting(t.Context(), large)
	runtime.ReadMemStats(&after)
	if !errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), "more than 268435456 bytes") || after.TotalAlloc-before.TotalAlloc > 1<<20 {
		t.Errorf("%d bytes: %v, after %d more in memory", maxEvidence+1, err, after.TotalAlloc-before.TotalAlloc)
	}
}

// TestLimitOfDepth: what is stored is nested a hundred levels deep and no deeper.
func TestLimitOfDepth(t *testing.T) {
	nested := func(levels int) []byte {
		return []byte(strings.Repeat(`{"a":`, levels) + "1" + strings.Repeat("}", levels))
	}
	for _, x := range []struct {
		levels int
		deep   bool
	}{{maxDepth, false}, {maxDepth + 1, true}, {9000, true}} {
		var v any
		err := decodeStrict(nested(x.levels), &v)
		if deep := err != nil && strings.Contains(err.Error(), "nested more than 100 deep"); deep != x.deep {
			t.Errorf("%d levels: %v", x.levels, err)
		}
		m := Manifest{Status: Failed, Reason: "diverged", Key: nested(x.levels)}
		_, text, err := m.seal()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := DecodeManifest(text); errors.Is(err, ErrCorrupt) != (x.levels >= maxDepth) { // the manifest is a level
			t.Errorf("a manifest with a key of %d levels: %v", x.levels, err)
		}
	}
}
