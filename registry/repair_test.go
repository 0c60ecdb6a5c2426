package registry_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cidbench/cidbench/registry"
)

// TestRepair seeds every damage that can be mended or dropped, looks first, then repairs, with a second registry and
// without.
func TestRepair(t *testing.T) {
	for _, second := range []bool{false, true} {
		t.Run(map[bool]string{false: "alone", true: "from a second registry"}[second], func(t *testing.T) {
			ctx, root := t.Context(), t.TempDir()
			r := openRegistry(t, root)
			runs, artifacts := threeRuns(t, r)
			for _, run := range runs {
				if err := r.Sign(ctx, run, newKey(1)); err != nil {
					t.Fatal(err)
				}
			}
			unfinished := newRunID(t, 9)
			state := putBlob(t, r, "state")
			for range 2 {
				if _, err := r.Append(ctx, unfinished, "checkpoint", state); err != nil {
					t.Fatal(err)
				}
			}
			opts := registry.RepairOptions{}
			if second {
				opts.From = newRegistry(t)
				if err := registry.Copy(ctx, r, opts.From, nil); err != nil {
					t.Fatal(err)
				}
			}
			before := content(t, root)

			events, err := filepath.Glob(filepath.Join(root, "runs", unfinished, "events", "00000002-*"))
			if err != nil || len(events) != 1 {
				t.Fatal(events, err)
			}
			event := "runs/" + unfinished + "/events/" + filepath.Base(events[0])
			manifest := "runs/" + runs[1] + "/manifest.json"
			signature := func(i int) string {
				return "runs/" + runs[i] + "/signatures/" + registry.KeyID(publicKey(newKey(1))) + ".json"
			}
			overwrite(t, root, event, "{}")
			overwrite(t, root, manifest, strings.Replace(readFile(t, root, manifest), "moco", "mocq", 1))
			overwrite(t, root, signature(0), "")
			overwrite(t, root, blobName(state.Digest), "stale") // no manifest needs it
			overwrite(t, root, blobName(artifacts[2].Digest), "weights x")
			overwrite(t, root, "notes.txt", "")
			remove(t, root, blobName(artifacts[0].Digest))
			os.Symlink("/nowhere", filepath.Join(root, blobName(artifacts[0].Digest)))

			want := map[string]registry.Remedy{
				event: registry.Drop, manifest: registry.Drop, signature(0): registry.Drop, blobName(state.Digest): registry.Drop,
				blobName(artifacts[2].Digest): registry.Leave, blobName(artifacts[0].Digest): registry.Leave, "notes.txt": registry.Leave,
			}
			if second {
				for key := range want {
					if key != "notes.txt" {
						want[key] = registry.Refetch
					}
				}
			}
			damaged := treeOf(t, root)
			for _, opts.Remove = range []bool{false, true} {
				got, err := r.Repair(ctx, opts)
				if err != nil {
					t.Fatal(err)
				}
				if len(got) != len(want) {
					t.Errorf("Remove %v: %d mendings, want %d: %v", opts.Remove, len(got), len(want), got)
				}
				for _, m := range got {
					if m.Remedy != want[m.Key] || (m.Remedy == registry.Leave) != (m.Advice != "") {
						t.Errorf("Remove %v: %v, want %s", opts.Remove, m, want[m.Key])
					}
				}
				if !opts.Remove && treeOf(t, root) != damaged {
					t.Error("a dry run writes")
				}
			}
			rest := found(t, r, registry.CheckOptions{ReadData: true})
			if second {
				if after := content(t, root); len(after) != len(before)+1 || !slices.Equal(rest, []string{"notes.txt: extra"}) {
					t.Errorf("repaired: %d objects, want %d and a note; %q", len(after), len(before), rest)
				}
				return
			}
			if len(rest) != 3 {
				t.Errorf("after the repair, Check finds %q", rest)
			}
			if _, _, err := r.Run(ctx, runs[1]); err == nil {
				t.Error("the damaged run still counts")
			}
			// What was left: the runs are forgotten, once nobody vouches for them.
			wantErr(t, "Forget of a signed run", r.Forget(ctx, runs[2]), registry.ErrExist)
			remove(t, root, signature(2))
			for _, run := range []string{runs[0], runs[2], unfinished} {
				wantErr(t, "Forget", r.Forget(ctx, run), nil)
				wantErr(t, "Forget again", r.Forget(ctx, run), nil)
			}
			if left := collect(t, r.Runs(ctx)); len(left) != 0 {
				t.Errorf("runs %q are left", left)
			}
			if got, err := r.Repair(ctx, registry.RepairOptions{Remove: true}); err != nil || len(got) != 3 {
				t.Errorf("what nobody needs any more: %v, %v", got, err)
			}
			if rest := found(t, r, registry.CheckOptions{ReadData: true}); !slices.Equal(rest, []string{"notes.txt: extra"}) {
				t.Errorf("in the end Check finds %q", rest)
			}
		})
	}
}

// treeOf is all that is below a folder, as one text.
func treeOf(t *testing.T, root string) string {
	t.Helper()
	var text strings.Builder
	err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		text.WriteString(path + "\n")
		if err == nil && d.Type().IsRegular() {
			data, e := os.ReadFile(path)
			text.Write(data)
			return e
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return text.String()
}

// TestForgetHeld: a run that somebody is at work on is not forgotten.
func TestForgetHeld(t *testing.T) {
	r := newRegistry(t)
	run := newRunID(t, 1)
	lease, err := r.Acquire(t.Context(), run, "a", ttl)
	if err != nil {
		t.Fatal(err)
	}
	defer lease.Release(t.Context())
	wantErr(t, "Forget", r.Forget(t.Context(), run), registry.ErrHeld)
}
