package registry

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestReach: a store is described without being changed.
func TestReach(t *testing.T) {
	folder := t.TempDir()
	there := filepath.Join(folder, "there")
	if _, err := Open(t.Context(), there); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(folder, "file")
	if err := os.WriteFile(file, []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	for url, want := range map[string]Standing{
		there:                             {Kind: "directory", Registry: true, Writable: true},
		filepath.Join(folder, "absent/a"): {Kind: "directory", Writable: true},
		"mem://reached":                   {Kind: "memory", Writable: true},
	} {
		before, _ := filepath.Glob(filepath.Join(folder, "*"))
		got, err := Reach(t.Context(), url)
		after, _ := filepath.Glob(filepath.Join(folder, "*"))
		if got.Place = ""; err != nil || got != want || len(after) != len(before) {
			t.Errorf("%s: %+v, %v, want %+v; files %q", url, got, err, want, after)
		}
	}
	if _, err := Reach(t.Context(), "file://"+filepath.Join(file, "below")); !errors.Is(err, ErrUnavailable) {
		t.Errorf("below a file: %v", err)
	}
	evidence := filepath.Join(folder, "evidence")
	reg, err := OpenExisting(t.Context(), there)
	if err != nil {
		t.Fatal(err)
	}
	var saved bytes.Buffer
	if err := reg.WriteEvidence(t.Context(), &saved, nil, EvidenceOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(evidence, saved.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	if got, err := Reach(t.Context(), evidence); err != nil || got.Kind != "evidence" || !got.Registry || got.Writable || got.Reason == "" {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := Reach(t.Context(), "ftp://place"); err == nil || !strings.Contains(err.Error(), "unknown scheme") {
		t.Errorf("got %v", err)
	}
}
