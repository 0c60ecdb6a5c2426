package study

import (
	"errors"
	"strings"
	"testing"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/registry"
)

func TestCheckpointsAreFoundByStep(t *testing.T) {
	m := registry.Manifest{Run: "0123", Artifacts: map[string]registry.Descriptor{
		bench.CheckpointName(20): {Digest: "twenty"}, bench.CheckpointName(100): {Digest: "hundred"}, "series": {}, "checkpoint-x": {}, "checkpoint-7": {},
	}}
	for asked, want := range map[int]struct {
		step   int
		digest registry.Digest
	}{0: {100, "hundred"}, 20: {20, "twenty"}} {
		if step, kept, err := checkpointAt(m, asked); err != nil || step != want.step || kept.Digest != want.digest {
			t.Errorf("%d: step %d, %s, %v", asked, step, kept.Digest, err)
		}
	}
	if _, _, err := checkpointAt(m, 7); !errors.As(err, new(UsageError)) || !strings.Contains(err.Error(), "[20 100]") {
		t.Errorf("step 7: %v", err)
	}
	if _, _, err := checkpointAt(registry.Manifest{}, 0); !errors.As(err, new(UsageError)) || !strings.Contains(err.Error(), "no checkpoint") {
		t.Errorf("none: %v", err)
	}
}
