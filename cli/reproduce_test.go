package cli

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/bench/dataset"
	"github.com/cidbench/cidbench/study"
)

// A plan's runs are trained again into a registry of its own, and set beside the published ones.
func TestReproduce(t *testing.T) {
	catalogue, dots := *other, *other.Datasets[0]
	dots.Read, dots.Digest = trainedDots()
	catalogue.Datasets = []*dataset.Source{&dots}
	catalogue.Plans = []*bench.Plan{{Tier: "small", Primary: []string{"roundness"}, FirstSeed: 100, Looks: []int{3}, Alpha: 0.05, Basis: "a guess"}}
	published, ours := t.TempDir()+"/published", t.TempDir()+"/ours"
	for _, command := range []string{
		"plan --register --backend go --store " + published,
		"run --look 1 --backend go --store " + published,
		"run --explore --seeds 3 --backend go --store " + published,
	} {
		if code, _, errs := tryOn(t.Context(), &catalogue, strings.Fields(command)...); code != exitSupported {
			t.Fatalf("%s: exit %d: %s", command, code, errs)
		}
	}
	again := []string{"reproduce", "--backend", "go", "--store", ours, "--evidence", published}
	code, text, errs := tryOn(t.Context(), &catalogue, append(again, "--json")...)
	if code != exitSupported {
		t.Fatalf("exit %d: %s", code, errs)
	}
	valid(t, "reproduce", text, errs)
	var r study.Reproduction
	if err := json.Unmarshal([]byte(text), &r); err != nil || r.Runs < 3 || r.Same != r.Runs || len(r.Claims) != 1 || r.Claims[0].Here != r.Claims[0].Published {
		t.Errorf("%v: %s", err, text)
	}
	code, text, errs = tryOn(t.Context(), &catalogue, again...)
	if text = strings.Join(strings.Fields(text), " "); code != exitSupported || !strings.Contains(text, "the verdict on each of the 1 claims is the same") || !strings.Contains(errs, "nothing to run") {
		t.Errorf("once more: exit %d: %s%s", code, text, errs)
	}
}
