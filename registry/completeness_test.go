package registry_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/cidbench/cidbench/registry"
)

// TestEvidenceIsComplete: a run that is taken out of evidence is missed, and so is one that is added; whoever takes it
// off the list, too, has no signature of that list.
func TestEvidenceIsComplete(t *testing.T) {
	from, runs, _ := withEvidence(t)
	key := newKey(1)
	var file bytes.Buffer
	opts := registry.EvidenceOptions{MediaTypes: []string{"text/plain"}, Key: key, Plans: []registry.EvidencePlan{{Plan: runs[0], Planned: 9, Finished: 2}}}
	if err := from.WriteEvidence(t.Context(), &file, runs, opts); err != nil {
		t.Fatal(err)
	}
	plain, err := gzip.NewReader(&file)
	if err != nil {
		t.Fatal(err)
	}
	archive, err := io.ReadAll(plain)
	if err != nil {
		t.Fatal(err)
	}
	problems := func(archive []byte) []string {
		t.Helper()
		r, err := registry.OpenExisting(t.Context(), evidenceFile(t, compress(t, archive)))
		if err != nil {
			t.Fatal(err)
		}
		if list, err := r.EvidenceList(t.Context()); err != nil || list != nil && (len(list.Plans) != 1 || list.Plans[0].Planned != 9) {
			t.Errorf("the list is %+v, %v", list, err)
		}
		return found(t, r, registry.CheckOptions{PublicKey: publicKey(key)})
	}
	if got := problems(archive); len(got) > 0 {
		t.Errorf("whole evidence has %q", got)
	}
	last := "runs/" + runs[1] + "/manifest.json"
	dropped := rewrite(t, archive, func(h *tar.Header, data []byte) (*tar.Header, []byte) {
		if h.Name == last {
			return nil, nil
		}
		return h, data
	})
	_, err = registry.OpenExisting(t.Context(), evidenceFile(t, compress(t, dropped)))
	wantErr(t, "a run was dropped", err, registry.ErrCorrupt)
	if !strings.Contains(fmt.Sprint(err), runs[1]) {
		t.Errorf("it is not named: %v", err)
	}
	unlisted := rewrite(t, dropped, func(h *tar.Header, data []byte) (*tar.Header, []byte) {
		if h.Name == "index/evidence.json" {
			i, j := bytes.LastIndexByte(data, ','), bytes.LastIndex(data, []byte(`}],"schema"`))
			i = bytes.LastIndex(data[:i], []byte(`,{"manifest"`))
			data = append(bytes.Clone(data[:i]), data[j+1:]...)
			h.Size = int64(len(data))
		}
		return h, data
	})
	if got := problems(unlisted); len(got) != 1 || !strings.HasSuffix(got[0], ": bad signature") {
		t.Errorf("a run was dropped and taken off the list: %q", got)
	}
	for name, want := range map[string]string{"index/evidence.json": "index/evidence.json: missing", "index/signatures/": "index/evidence.json: unsigned"} {
		without := rewrite(t, archive, func(h *tar.Header, data []byte) (*tar.Header, []byte) {
			if strings.HasPrefix(h.Name, name) || name == "index/evidence.json" && strings.HasPrefix(h.Name, "index/") {
				return nil, nil
			}
			return h, data
		})
		if got := problems(without); !slices.Equal(got, []string{want}) {
			t.Errorf("without %s: %q", name, got)
		}
	}
}
