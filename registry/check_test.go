package registry_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cidbench/cidbench/registry"
	"github.com/google/go-cmp/cmp"
)

func TestCheck(t *testing.T) {
	root := t.TempDir()
	r := openRegistry(t, root)
	ctx := t.Context()

	// Eight runs with one artifact each, and events and files of every
	// part of the layout. Sizes differ so that no blob passes for another.
	var blobs, runs []string
	for i := range 8 {
		d := putBlob(t, r, strings.Repeat("x", 10+i))
		run, _ := commit(t, r, newManifest(i, map[string]registry.Descriptor{"checkpoint": d}))
		blobs, runs = append(blobs, blobName(d.Digest)), append(runs, "runs/"+run)
	}
	loose := putBlob(t, r, "loose")
	putBlob(t, r, "report")
	unfinished, err := registry.RunID(json.RawMessage(`{"seed":"unfinished"}`))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := r.Append(ctx, unfinished, "checkpoint", loose); err != nil {
			t.Fatal(err)
		}
	}
	overwrite(t, root, "runs/"+unfinished+"/lease.json", "{}")
	for _, name := range []string{"index/other.json", "locks/gc.json", "trash/1/x", ".tmp/1234"} {
		overwrite(t, root, name, "{}")
	}

	var calls, total int
	progress := func(done, all int) { calls, total = calls+1, all }
	for _, readData := range []bool{false, true} {
		if got := found(t, r, registry.CheckOptions{ReadData: readData, Progress: progress}); got != nil {
			t.Fatalf("before any damage: %q", got)
		}
	}
	if total == 0 || calls != 2*total {
		t.Errorf("progress was reported %d times in two checks of %d objects", calls, total)
	}

	// Damage that shows in names, sizes and small files.
	remove(t, root, blobs[0])
	overwrite(t, root, blobs[1], "x")
	overwrite(t, root, blobs[2], strings.Repeat("x", 100))
	manifest := readFile(t, root, runs[3]+"/manifest.json")
	overwrite(t, root, runs[3]+"/manifest.json", strings.Replace(manifest, `"cores":2`, `"cores":3`, 1))
	overwrite(t, root, runs[4]+"/manifest.json", readFile(t, root, runs[5]+"/manifest.json"))
	misplaced := "blobs/sha256/" + twoDigitsOtherThan(loose) + "/" + loose.Digest.Hex()
	overwrite(t, root, misplaced, "loose")
	extra := []string{
		"README", "blobs/readme", "blobs/sha256/ab/0123", "refs/name.json", runs[6] + "/notes.txt",
		runs[6] + "/events/1.json", "runs/" + strings.Repeat("0", 31) + "/manifest.json", "index.html",
	}
	for _, name := range extra {
		overwrite(t, root, name, "extra")
	}
	want := []string{
		blobs[0] + ": missing", blobs[1] + ": wrong size", blobs[2] + ": wrong size",
		runs[3] + "/manifest.json: bad manifest", runs[4] + "/manifest.json: bad manifest",
		misplaced + ": misplaced",
	}
	for _, name := range extra {
		want = append(want, name+": extra")
	}

	// Damage that only a reading of the data finds.
	overwrite(t, root, blobs[5], strings.Repeat("y", 15))
	overwrite(t, root, blobName(loose.Digest), "report") // a whole blob under another's name
	events, err := filepath.Glob(filepath.Join(root, "runs", unfinished, "events", "00000001-*"))
	if err != nil || len(events) != 1 {
		t.Fatal(events, err)
	}
	event := "runs/" + unfinished + "/events/" + filepath.Base(events[0])
	overwrite(t, root, event, strings.Replace(readFile(t, root, event), "checkpoint", "checkpoins", 1))
	deep := []string{blobs[5] + ": flipped", blobName(loose.Digest) + ": misplaced", event + ": flipped"}

	for _, readData := range []bool{false, true} {
		if readData {
			want = append(want, deep...)
		}
		slices.Sort(want)
		got := found(t, r, registry.CheckOptions{ReadData: readData})
		slices.Sort(got) // with the kind, "a: x" and "a/b: x" sort otherwise than keys
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("ReadData %v (-want +got):\n%s", readData, diff)
		}
	}
}

func twoDigitsOtherThan(d registry.Descriptor) string {
	if d.Digest.Hex()[:2] == "00" {
		return "01"
	}
	return "00"
}

func TestCheckRegistryFile(t *testing.T) {
	const name = "cidbench-registry.json"
	root := t.TempDir()
	r := openRegistry(t, root)
	content := readFile(t, root, name)
	overwrite(t, root, name, strings.Replace(content, r.ID(), openRegistry(t, t.TempDir()).ID(), 1))
	if got := found(t, r, registry.CheckOptions{}); !slices.Equal(got, []string{name + ": flipped"}) {
		t.Errorf("with another id: %q", got)
	}
	remove(t, root, name)
	if got := found(t, r, registry.CheckOptions{}); !slices.Equal(got, []string{name + ": missing"}) {
		t.Errorf("without it: %q", got)
	}
}

// TestCheckEveryByte flips each byte of the objects of a small run in turn.
func TestCheckEveryByte(t *testing.T) {
	root := t.TempDir()
	r := openRegistry(t, root)
	d := putBlob(t, r, "a short checkpoint")
	run, _ := commit(t, r, newManifest(1, map[string]registry.Descriptor{"checkpoint": d}))
	for name, kind := range map[string]string{
		blobName(d.Digest):               "flipped",
		"runs/" + run + "/manifest.json": "bad manifest",
	} {
		content := readFile(t, root, name)
		for i := 0; i < len(content); i += 1 + len(content)/40 {
			flipped := bytes.Clone([]byte(content))
			flipped[i] ^= 0x40
			overwrite(t, root, name, string(flipped))
			got := found(t, r, registry.CheckOptions{ReadData: true})
			if !slices.Equal(got, []string{name + ": " + kind}) {
				t.Errorf("byte %d of %s flipped: %q", i, name, got)
			}
		}
		overwrite(t, root, name, content)
	}
	if got := fmt.Sprint(found(t, r, registry.CheckOptions{ReadData: true})); got != "[]" {
		t.Errorf("repaired: %s", got)
	}
}
