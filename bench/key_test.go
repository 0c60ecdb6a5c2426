package bench

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cidbench/cidbench/registry"
)

// TestKeyHasNoZeros: members that are zero or empty do not appear, elements of arrays keep their place.
func TestKeyHasNoZeros(t *testing.T) {
	for given, want := range map[string]string{
		`{"a":0,"b":"","c":false,"d":null,"e":[],"f":{},"g":-0}`:        `{}`,
		`{"a":{"b":{"c":0}},"d":1}`:                                     `{"d":1}`,
		`{"rules":[{"pool":"x","fraction":0},{}],"sizes":[0,1,0]}`:      `{"rules":[{"pool":"x"},{}],"sizes":[0,1,0]}`,
		`{"a":0.5,"b":"0","c":true,"d":[0],"e":1e-9,"f":1234567890123}`: `{"a":0.5,"b":"0","c":true,"d":[0],"e":1e-9,"f":1234567890123}`,
	} {
		if got := string(key(json.RawMessage(given))); got != want {
			t.Errorf("%s becomes %s, want %s", given, got, want)
		}
	}
}

// TestNewFieldsChangeNoKey: a field whose zero value means what was meant before.
func TestNewFieldsChangeNoKey(t *testing.T) {
	type before struct {
		Steps int `json:"steps"`
	}
	type after struct {
		Steps int `json:"steps"`
		Decay struct {
			Rate float64 `json:"rate"`
		} `json:"decay"`
		Names []string `json:"names"`
	}
	plain, more := key(before{Steps: 5}), after{Steps: 5}
	if got := key(more); must(registry.RunID(got)) != must(registry.RunID(plain)) {
		t.Errorf("the key %s became %s", plain, got)
	}
	if more.Decay.Rate = 0.1; must(registry.RunID(key(more))) == must(registry.RunID(plain)) {
		t.Error("a setting that is used does not change the key")
	}
}

func TestDifferences(t *testing.T) {
	a := json.RawMessage(`{"config":{"steps":400,"rate":0.1},"rules":[{"pool":"hardest"}],"seed":1}`)
	b := json.RawMessage(`{"config":{"rate":0.1,"steps":800,"queue":64},"rules":[]}`)
	want := []Difference{{"config.queue", "", "64"}, {"config.steps", "400", "800"}, {"rules[0].pool", "hardest", ""}, {"seed", "1", ""}}
	got := Differences(a, b)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if Differences(a, a) != nil || len(Differences(a, json.RawMessage(`not JSON`))) == 0 {
		t.Error("equal keys differ, or what is no JSON does not")
	}
	if s := got[0].String(); s != "config.queue: none and 64" {
		t.Errorf("%q", s)
	}
	for path, within := range map[string]bool{"rules": true, "rules[0]": true, "rules[0].pool": true, "rule": false, "rules[0].po": false} {
		if got[2].Within(path) != within {
			t.Errorf("%s within %s: %t", got[2].Path, path, !within)
		}
	}
}

func TestReadKey(t *testing.T) {
	cell := cellsOf(1)[4]
	s, err := ReadKey(cell.Spec.Key())
	if err != nil || s.Scheme != KeyScheme || s.Dataset != cell.Spec.Dataset || s.Training.Method != *cell.Spec.Training.Method || s.IsAnalysis() {
		t.Errorf("%+v, %v", s, err)
	}
	if s, err := ReadKey(AnalysisSpec{Scheme: KeyScheme, Kind: analysisKind}.Key()); err != nil || !s.IsAnalysis() {
		t.Errorf("an analysis: %+v, %v", s, err)
	}
	if s, err := ReadKey(json.RawMessage(`{"code":"sha256:00","seed":3}`)); err != nil || s.Scheme != 1 {
		t.Errorf("a key of scheme 1: %+v, %v", s, err)
	}
	if _, err := ReadKey(json.RawMessage(`{"scheme":"two"}`)); err == nil {
		t.Error("nonsense is a key")
	}
}

// FuzzReadKey: whatever stands in a registry, reading and comparing keys does not panic.
func FuzzReadKey(f *testing.F) {
	f.Add([]byte(cellsOf(1)[4].Spec.Key()), []byte(`{"scheme":2,"training":{"method":{"name":"swav"}}}`))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		_, _ = ReadKey(a)
		for _, d := range Differences(a, b) {
			if d.A == d.B || !d.Within(d.Path) {
				t.Errorf("difference %+v", d)
			}
		}
	})
}
