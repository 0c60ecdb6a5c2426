package study_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/bench/analysis"
	"github.com/cidbench/cidbench/bench/probe"
	"github.com/cidbench/cidbench/registry"
	"github.com/cidbench/cidbench/registry/store"
	"github.com/cidbench/cidbench/study"
)

// A crowd is a registry in which a tier's runs are among many, with its index, and with packs as of a bucket. What has an
// index reads no manifests but those of the tier, so that only these are kept in full.
type crowd struct {
	objects map[string][]byte // by key; nil for what is not read
	cells   []bench.Cell      // of the tier
}

// makeCrowd makes n runs: some seeds of the cells of the tiny tier with the analyses of its encoders, and the same cells
// with other probes. Runs of the tier were finished one after the other; if scattered, with all others between.
func makeCrowd(tb testing.TB, n, seeds int, scattered bool) crowd {
	tb.Helper()
	memory := store.NewMemory(tb.Name())
	r, err := registry.OpenOn(tb.Context(), struct{ store.Store }{memory}) // as costly to list as a bucket
	if err != nil {
		tb.Fatal(err)
	}
	r.Pack(analysis.CountsType)
	tier := drawn.Tier("tiny")
	c := crowd{objects: map[string][]byte{}}
	env := bench.Environment{Backend: "go", Method: tier.Train.ID().Version}
	c.cells = drawn.Matrix(tier, drawn.Claims, bench.Explored(seeds), env)
	counts := analysis.Counts{Hard: make([]uint16, 100), Easy: make([]uint16, 100)}
	read := map[string]bool{}
	made := 0
	put := func(key json.RawMessage, result any, artifacts map[string]registry.Descriptor, own bool) {
		text, err := json.Marshal(result)
		if err != nil {
			tb.Fatal(err)
		}
		finished := time.Unix(1e9+int64(made), 0)
		if scattered {
			finished = time.Unix(1e9+int64(made)*7919%int64(n), 0)
		}
		m := registry.Manifest{Status: registry.Complete, Key: key, Result: text, Artifacts: artifacts, Provenance: registry.Provenance{Commit: "a4c86a9", Finished: finished}}
		if _, err = r.Commit(tb.Context(), m); err != nil {
			tb.Fatal(err)
		}
		id, err := registry.RunID(m.Key)
		if err != nil {
			tb.Fatal(err)
		}
		if read["runs/"+id+"/manifest.json"] = own; own {
			for _, d := range artifacts {
				read["blobs/sha256/"+d.Digest.Hex()[:2]+"/"+d.Digest.Hex()] = true
			}
		}
		made++
	}
	blob := func(mediaType string, data []byte) registry.Descriptor {
		d, err := r.PutBlob(tb.Context(), mediaType, data)
		if err != nil {
			tb.Fatal(err)
		}
		return d
	}
	state := map[string]registry.Descriptor{bench.CheckpointName(tier.Train.Scale().Steps): blob("application/octet-stream", []byte("weights"))}
	for variant := 0; made < n; variant++ {
		for _, cell := range c.cells {
			if variant > 0 {
				cell.Spec.Probe = fmt.Sprint("other ", variant)
			}
			put(cell.Spec.Key(), bench.Result{Accuracy: probe.Accuracy{Linear: 7, Ridge: 6, KNN: 5, N: 10}, Loss: float64(made)}, state, variant == 0)
		}
		if variant > 0 {
			continue
		}
		analyses, err := bench.Analyses(tb.Context(), r.Run, c.cells, tier.Analysis, drawn.Datasets[0].Tree(), env)
		if err != nil || len(analyses) < seeds {
			tb.Fatal(len(analyses), err)
		}
		for _, a := range analyses {
			counts.Hard[0]++ // each has counts of its own
			counts.Easy[1]++
			d := blob(analysis.CountsType, analysis.EncodeCounts(counts))
			put(a.Spec.Key(), analysis.Measures{Images: 100, Queries: 10}, map[string]registry.Descriptor{bench.CountsArtifact: d}, true)
		}
	}
	if _, err := r.Reindex(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	for info, err := range memory.List(tb.Context(), "") {
		if err != nil {
			tb.Fatal(err)
		}
		c.objects[info.Key] = nil
		if own, run := read[info.Key]; own || !run {
			if c.objects[info.Key], _, err = memory.Load(tb.Context(), info.Key); err != nil {
				tb.Fatal(err)
			}
		}
	}
	return c
}

// directory puts the crowd on a disk, without waiting for it: of what is not read there are folders alone.
func (c crowd) directory(tb testing.TB) (root string) {
	tb.Helper()
	root = filepath.Join(tb.TempDir(), "registry")
	for key, data := range c.objects {
		path := filepath.Join(root, key)
		err := os.MkdirAll(filepath.Dir(path), 0o777)
		if err == nil && data != nil {
			err = os.WriteFile(path, data, 0o444)
		}
		if err != nil {
			tb.Fatal(err)
		}
	}
	return root
}

// bucket puts into a store what is read of the crowd.
func (c crowd) bucket(tb testing.TB, to store.Store) {
	tb.Helper()
	for key, data := range c.objects {
		if data == nil {
			continue
		}
		if err := to.Create(tb.Context(), key, bytes.NewReader(data), int64(len(data)), store.DigestOf(data)); err != nil {
			tb.Fatal(err)
		}
	}
}

// commands are what people do beside many runs: the start of a worker, status, and the report of a tier, by the URL of
// the store; and ls.
var commands = []struct {
	name string
	do   func(tb testing.TB, url string, seeds int)
}{
	{"start", func(tb testing.TB, url string, seeds int) { openCrowd(tb, url, study.Write, seeds) }},
	{"status", func(tb testing.TB, url string, seeds int) {
		at, err := openCrowd(tb, url, study.Read, seeds).Status(tb.Context())
		if err != nil || len(at.Cells) == 0 {
			tb.Fatal(at, err)
		}
		for _, cell := range at.Cells {
			if cell.State != study.Complete {
				tb.Errorf("%s is %s", cell.Name(), cell.State)
			}
		}
	}},
	{"report", func(tb testing.TB, url string, seeds int) {
		s := openCrowd(tb, url, study.Read, seeds)
		r, in, err := s.Report(tb.Context())
		if err != nil || r.Tier.RunsPresent == 0 || len(in.Analyses) == 0 {
			tb.Fatalf("%d analyses, %d runs: %v", len(in.Analyses), r.Tier.RunsPresent, err)
		}
		if err := s.Damage(); err != nil {
			tb.Error(err)
		}
	}},
	{"verify", func(tb testing.TB, url string, seeds int) {
		r, err := openCrowd(tb, url, study.Write, seeds).Judge(tb.Context(), true)
		if err != nil || r.Tier.RunsPresent == 0 {
			tb.Fatalf("no runs: %v", err)
		}
	}},
	{"ls", func(tb testing.TB, url string, _ int) {
		reg, err := registry.OpenExisting(tb.Context(), url)
		if err != nil {
			tb.Fatal(err)
		}
		o, err := reg.Overview(tb.Context(), nil)
		if err != nil {
			tb.Fatal(err)
		}
		if all, err := study.List(drawn, o, study.Filter{Tier: "tiny"}); err != nil || len(all) == 0 {
			tb.Fatal(len(all), err)
		}
	}},
}

func openCrowd(tb testing.TB, url string, access study.Access, seeds int) *study.Study {
	tb.Helper()
	s, err := study.Open(tb.Context(), drawn, options(study.Options{Store: url, Access: access, Selection: study.Selection{Seeds: seeds}}))
	if err != nil {
		tb.Fatal(err)
	}
	return s
}
