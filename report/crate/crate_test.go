package crate

import (
	"crypto/ed25519"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/registry"
	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/report/stats"
)

var key = ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))

// input is one of the reports that the tests of package judge keep, with all runs that its claims rest on. The first
// of them has failed.
func input(t *testing.T) Input {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("..", "judge", "testdata", "report.json"))
	if err != nil {
		t.Fatal(err)
	}
	in := Input{Report: &model.Report{}, Dataset: bench.Data{Name: "glyphs", Digest: "sha256:6a26"}, Croissant: []byte("{}\n"), Key: key}
	if err := json.Unmarshal(content, in.Report); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, c := range in.Report.Claims {
		for _, ref := range c.Runs {
			if !seen[ref.Run] {
				seen[ref.Run] = true
				in.Runs = append(in.Runs, evidenceRun(ref))
			}
		}
	}
	slices.SortFunc(in.Runs, func(a, b registry.EvidenceRun) int { return strings.Compare(a.Run, b.Run) })
	in.Runs[0].Status, in.Runs[0].Reason = registry.Failed, "the loss is not a number"
	return in
}

func evidenceRun(ref model.RunRef) registry.EvidenceRun {
	at := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	counts := registry.Descriptor{MediaType: "application/json", Digest: registry.DigestOf([]byte("counts")), Size: 6}
	return registry.EvidenceRun{
		Manifest: registry.Manifest{
			Run: ref.Run, Status: registry.Complete,
			Key:        json.RawMessage(`{"dataset":{"digest":"sha256:6a26","name":"glyphs"},"seed":1,"training":{"method":{"name":"moco","version":1}}}`),
			Provenance: registry.Provenance{Tool: "cidbench devel", Commit: "c0ffee", Started: at, Finished: at.Add(time.Minute)},
		},
		Stored:    registry.StoredFile{Name: "runs/" + ref.Run + "/manifest.json", Descriptor: registry.Descriptor{Digest: ref.Manifest, Size: 9}},
		Artifacts: map[string]registry.StoredFile{"counts": {Name: "blobs/sha256/c0/c0ffee", Descriptor: counts}},
	}
}

func files(t *testing.T, in Input) map[string][]byte {
	t.Helper()
	made, err := Files(in)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]byte{}
	for _, f := range made {
		all[f.Name] = f.Data
	}
	if len(all) != len(made) {
		t.Errorf("%d names for %d files", len(all), len(made))
	}
	return all
}

// TestVerdicts: each claim of which there are runs has a statement about these runs with its verdict, which the key has
// signed.
func TestVerdicts(t *testing.T) {
	in := input(t)
	all := files(t, in)
	outcomes := map[string]int{}
	for _, c := range in.Report.Claims {
		text, there := all["verdicts/"+c.ID+".json"]
		if there != (len(c.Runs) > 0) {
			t.Fatalf("%s has %d runs; a statement: %v", c.ID, len(c.Runs), there)
		}
		if !there {
			continue
		}
		var s struct {
			Subject   []registry.Subject `json:"subject"`
			Predicate testResult         `json:"predicate"`
		}
		if err := json.Unmarshal(text, &s); err != nil {
			t.Fatal(err)
		}
		want := map[stats.Verdict]string{stats.Supported: "PASSED", stats.Refuted: "FAILED"}[c.Verdict]
		if want == "" {
			want = "WARNED"
		}
		p := s.Predicate
		if p.Result != want || len(p.Passed)+len(p.Warned)+len(p.Failed) != len(c.Contrasts) || p.Configuration[0].Annotations["verdict"] != string(c.Verdict) {
			t.Errorf("%s is %s: %+v", c.ID, c.Verdict, p)
		}
		outcomes[p.Result]++
		var about []string
		for _, x := range s.Subject {
			about = append(about, strings.Split(x.Name, "/")[1]+" sha256:"+x.Digest["sha256"])
		}
		var runs []string
		for _, ref := range c.Runs {
			runs = append(runs, ref.Run+" "+string(ref.Manifest))
		}
		if !slices.Equal(about, runs) {
			t.Errorf("%s is about %q, want %q", c.ID, about, runs)
		}
		var e struct {
			Payload    []byte
			Signatures []struct{ Sig []byte }
		}
		if err := json.Unmarshal(all["verdicts/"+c.ID+".dsse.json"], &e); err != nil {
			t.Fatal(err)
		}
		if string(e.Payload) != string(text) || !ed25519.Verify(key.Public().(ed25519.PublicKey), registry.PreAuthentication(text), e.Signatures[0].Sig) {
			t.Errorf("%s is not signed", c.ID)
		}
	}
	if len(outcomes) < 2 {
		t.Errorf("the outcomes are %v: no test of how they differ", outcomes)
	}
	in.Key = nil
	for name := range files(t, in) {
		if strings.Contains(name, "dsse") {
			t.Errorf("%s, without a key", name)
		}
	}
	in.Runs = in.Runs[1:]
	if _, err := Files(in); err == nil || !strings.Contains(err.Error(), "not in the evidence") {
		t.Errorf("a run that a verdict rests on is not there: %v", err)
	}
	if none, err := Files(Input{Report: in.Report}); err != nil || none != nil {
		t.Errorf("without runs: %v, %v", none, err)
	}
}

// TestCrate: every file and run is in the graph, and whatever it refers to.
func TestCrate(t *testing.T) {
	in := input(t)
	all := files(t, in)
	if again := files(t, in); !reflect.DeepEqual(again, all) {
		t.Error("the same input gives other files")
	}
	var crate struct {
		Graph []map[string]any `json:"@graph"`
	}
	if err := json.Unmarshal(all[metadataName], &crate); err != nil {
		t.Fatal(err)
	}
	entities := map[string]map[string]any{}
	for _, e := range crate.Graph {
		id := e["@id"].(string)
		if entities[id] != nil {
			t.Errorf("%s is there twice", id)
		}
		entities[id] = e
	}
	var follow func(from string, node any)
	follow = func(from string, node any) {
		switch node := node.(type) {
		case map[string]any:
			if id, ok := node["@id"].(string); ok && entities[id] == nil && !strings.HasPrefix(id, "https://w3id.org/ro/crate/") {
				t.Errorf("%s refers to %s, which is not there", from, id)
			}
			for _, child := range node {
				follow(from, child)
			}
		case []any:
			for _, child := range node {
				follow(from, child)
			}
		}
	}
	for id, e := range entities {
		follow(id, e)
	}
	for name, text := range all {
		if e := entities[name]; name != metadataName && (e == nil || e["sha256"] != registry.DigestOf(text).Hex()) {
			t.Errorf("%s is %v", name, e)
		}
	}
	for i, run := range in.Runs {
		action, manifest := entities["#run-"+run.Run], entities[run.Stored.Name]
		if action == nil || manifest == nil || manifest["sha256"] != run.Stored.Digest.Hex() {
			t.Fatalf("run %s is %v, %v", run.Run, action, manifest)
		}
		if failed := action["error"] != nil; failed != (i == 0) || action["endTime"] != "2026-11-24T12:01:00.000+00:00" {
			t.Errorf("run %s is %v", run.Run, action)
		}
		if object := action["object"]; !reflect.DeepEqual(object, map[string]any{"@id": "datasets/glyphs/"}) {
			t.Errorf("run %s is on %v", run.Run, object)
		}
	}
}
