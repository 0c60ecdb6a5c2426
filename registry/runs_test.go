package registry_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cidbench/cidbench/registry"
	"github.com/google/go-cmp/cmp"
)

func TestCommit(t *testing.T) {
	ctx := t.Context()
	r := newRegistry(t)
	m := newManifest(1, map[string]registry.Descriptor{"checkpoint": putBlob(t, r, "weights")})
	run, digest := commit(t, r, m)
	got, gotDigest, err := r.Run(ctx, run)
	if err != nil || gotDigest != digest {
		t.Fatalf("Run = digest %s, %v, want %s", gotDigest, err, digest)
	}
	if got.Run != run || got.Schema != registry.ManifestSchema || !cmp.Equal(got.Artifacts, m.Artifacts) ||
		!got.Provenance.Started.Equal(m.Provenance.Started) || string(got.Key) != `{"method":"moco <v3>","seed":1}` {
		t.Errorf("Run = %+v, want what was committed: %+v", got, m)
	}

	// An equal run at another time and place is the same run.
	m.Provenance = registry.Provenance{OS: "plan9", Finished: time.Now().Add(time.Hour)}
	m.Key = json.RawMessage(`{"method":"moco \u003cv3>","seed":1}`)
	if _, again := commit(t, r, m); again != digest {
		t.Errorf("an equal run replaces manifest %s by %s", digest, again)
	}
	// A run that was read can be committed elsewhere as it is.
	other := newRegistry(t)
	putBlob(t, other, "weights")
	if _, copied := commit(t, other, got); copied != digest {
		t.Errorf("a copied manifest changes from %s to %s", digest, copied)
	}

	m.Result = json.RawMessage(`{"top1":0.6}`)
	_, err = r.Commit(ctx, m)
	wantErr(t, "another result", err, registry.ErrConflict)

	m = newManifest(2, map[string]registry.Descriptor{
		"checkpoint": {MediaType: "x", Digest: registry.DigestOf([]byte("never stored")), Size: 12},
	})
	_, err = r.Commit(ctx, m)
	wantErr(t, "absent artifact", err, registry.ErrNotExist)
	m.Artifacts["checkpoint"] = registry.Descriptor{MediaType: "x", Digest: registry.DigestOf([]byte("weights")), Size: 6}
	_, err = r.Commit(ctx, m)
	wantErr(t, "artifact of another size", err, registry.ErrCorrupt)

	failed := registry.Manifest{Status: registry.Failed, Reason: "loss is not a number", Key: json.RawMessage(`{"seed":3}`)}
	failedRun, _ := commit(t, r, failed)
	want := []string{run, failedRun}
	slices.Sort(want)
	if diff := cmp.Diff(want, collect(t, r.Runs(ctx))); diff != "" {
		t.Errorf("Runs (-want +got):\n%s", diff)
	}
	_, _, err = r.Run(ctx, strings.Repeat("0", 32))
	wantErr(t, "unknown run", err, registry.ErrNotExist)
	if _, _, err = r.Run(ctx, "../x"); err == nil {
		t.Error("../x is accepted as a run id")
	}
}

func TestCommitInvalid(t *testing.T) {
	r := newRegistry(t)
	for name, change := range map[string]func(*registry.Manifest){
		"no status":                 func(m *registry.Manifest) { m.Status = "" },
		"complete without a result": func(m *registry.Manifest) { m.Result = nil },
		"complete with a reason":    func(m *registry.Manifest) { m.Reason = "because" },
		"failed without a reason":   func(m *registry.Manifest) { m.Status = registry.Failed },
		"no key":                    func(m *registry.Manifest) { m.Key = nil },
		"null key":                  func(m *registry.Manifest) { m.Key = json.RawMessage("null") },
		"broken key":                func(m *registry.Manifest) { m.Key = json.RawMessage(`{"a":`) },
		"two keys":                  func(m *registry.Manifest) { m.Key = json.RawMessage(`{}{}`) },
		"key that is not UTF-8":     func(m *registry.Manifest) { m.Key = json.RawMessage("{\"a\":\"\xff\"}") },
		"null result":               func(m *registry.Manifest) { m.Result = json.RawMessage("null") },
		"broken result":             func(m *registry.Manifest) { m.Result = json.RawMessage("{NaN}") },
		"artifact without digest":   func(m *registry.Manifest) { m.Artifacts = map[string]registry.Descriptor{"a": {MediaType: "x"}} },
		"wrong run id":              func(m *registry.Manifest) { m.Run = strings.Repeat("0", 32) },
		"wrong schema":              func(m *registry.Manifest) { m.Schema = "application/vnd.cidbench.run.v2+json" },
		"wrong result digest":       func(m *registry.Manifest) { m.ResultDigest = registry.DigestOf(nil) },
	} {
		m := newManifest(1, nil)
		change(&m)
		if _, err := r.Commit(t.Context(), m); err == nil {
			t.Errorf("%s: committed", name)
		}
	}
	if runs := collect(t, r.Runs(t.Context())); len(runs) != 0 {
		t.Errorf("runs %v are visible", runs)
	}
}

// TestProvenance reads back where the numbers of a run come from, which is none of
// what makes it equal to another.
func TestProvenance(t *testing.T) {
	r := newRegistry(t)
	m := newManifest(1, nil)
	m.Provenance.Code = string(registry.DigestOf([]byte("source")))
	run, _ := commit(t, r, m)
	got, _, err := r.Run(t.Context(), run)
	if err != nil || got.Provenance.Code != m.Provenance.Code {
		t.Errorf("Run = %+v, %v, want %+v", got.Provenance, err, m.Provenance)
	}
	plain := newRegistry(t)
	if run, _ = commit(t, plain, newManifest(1, nil)); run != got.Run {
		t.Fatalf("provenance changes the id of a run from %s to %s", run, got.Run)
	}
	if bare, _, err := plain.Run(t.Context(), run); err != nil || bare.ResultDigest != got.ResultDigest {
		t.Errorf("provenance changes the result digest from %s to %s, %v", bare.ResultDigest, got.ResultDigest, err)
	}
}
