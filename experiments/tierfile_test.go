package experiments

import (
	"reflect"
	"strings"
	"testing"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/bench/method"
	"github.com/cidbench/cidbench/bench/tierfile"
)

// TestTiersAsFiles: a tier that is printed and read again gives the same runs.
func TestTiersAsFiles(t *testing.T) {
	for _, tier := range All.Tiers {
		text, err := tierfile.Write(tier)
		if err != nil {
			t.Fatal(err)
		}
		other := *All // all that the tier is has to come from the file, but for what it says of where it is chosen
		other.Tiers = []*bench.Tier{{ID: "empty", GPU: tier.GPU, Recipe: tier.Recipe, Train: reflect.Zero(reflect.TypeOf(tier.Train)).Interface().(method.Method)}}
		back, err := tierfile.Read([]byte(strings.Replace(string(text), "from: "+tier.ID, "from: empty", 1)), &other)
		if err != nil {
			t.Errorf("tier %s: %v\n%s", tier.ID, err, text)
			continue
		}
		if !reflect.DeepEqual(back, tier) {
			t.Errorf("tier %s is another when read again:\n%s", tier.ID, text)
		}
		env := bench.Environment{Backend: "go"}
		want, got := runIDs(tier, env), runIDs(back, env)
		if len(want) == 0 || !reflect.DeepEqual(got, want) {
			t.Errorf("tier %s has other runs when read again", tier.ID)
		}
	}
}

func runIDs(tier *bench.Tier, env bench.Environment) (ids []string) {
	changed := *All
	changed.Tiers = []*bench.Tier{tier}
	for _, cell := range changed.Matrix(tier, All.Claims, bench.Explored(2), env) {
		ids = append(ids, cell.Spec.ID())
	}
	return ids
}
