package augment

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	. "github.com/gomlx/gomlx/core/graph" //nolint:revive // the graph operations read as a language

	"github.com/cidbench/cidbench/bench/backend/backendtest"
	"github.com/cidbench/cidbench/bench/nn"
)

// TestGraphMakesTheViewersViews: both forms of a batch hold the same views, whatever is drawn.
func TestGraphMakesTheViewersViews(t *testing.T) { backendtest.Each(t, graphMakesTheViewersViews) }

func graphMakesTheViewersViews(t *testing.T, device nn.Device) {
	always := moco
	always.JitterProb, always.GreyProb, always.BlurProb, always.FlipProb = 1, 1, 1, 1
	jitter := Config{MinArea: 1, Brightness: 1, Contrast: 1, Saturation: 1, Hue: .5, JitterProb: 1}
	configs := map[string]Config{
		"nothing": {MinArea: 1}, "crop": {MinArea: .05}, "flip": {MinArea: 1, FlipProb: 1}, "jitter": jitter,
		"contrast": {MinArea: .2, Contrast: 1, JitterProb: 1}, "grey": {MinArea: 1, GreyProb: 1},
		"blur": {MinArea: 1, BlurProb: 1, BlurMin: .1, BlurMax: .4}, "blur beyond the border": {MinArea: 1, BlurProb: 1, BlurMin: 9, BlurMax: 9},
		"moco": moco, "all of moco": always, "rotation": {MinArea: .5, Rotation: 180}, "stroke": {MinArea: .5, Stroke: 1, Rotation: 9},
	}
	rng := rand.New(rand.NewPCG(8, 0))
	for i := range 20 {
		configs[fmt.Sprintf("random %d", i)] = Config{
			MinArea: 1 - rng.Float64(), Brightness: rng.Float64(), Contrast: rng.Float64(), Saturation: rng.Float64(), Hue: rng.Float64() / 2,
			JitterProb: rng.Float64(), GreyProb: rng.Float64(), BlurProb: rng.Float64(), BlurMin: 1 - rng.Float64(), BlurMax: 1 + rng.Float64(), FlipProb: rng.Float64(),
		}
	}
	for name, c := range configs {
		if device.Compiles && name != "all of moco" { // compiling takes its time
			continue
		}
		for _, sides := range [][2]int{{16, 16}, {32, 32}, {37, 32}, {40, 16}} {
			source, size := sides[0], sides[1]
			t.Run(fmt.Sprint(name, " ", source, " ", size), func(t *testing.T) {
				if err := c.Validate(); err != nil {
					t.Fatal(err)
				}
				const groups, n = 2, 10
				want, recipes := NewBatch(groups, n, size), NewRecipes(c, groups, n, source, size)
				v, rng := NewViewer(c, source, size), rand.New(rand.NewPCG(9, 0))
				for round := range uint64(2) { // the second shows that nothing is left of the first
					for i := range groups * n {
						image := make([]uint8, source*source*3)
						for j := range image {
							image[j] = uint8(rng.IntN(256))
						}
						v.View(want, i, image, round, uint64(i))
						v.View(recipes, i, image, round, uint64(i))
					}
				}
				var inputs []any
				for _, x := range recipes.Tensors() {
					inputs = append(inputs, x)
				}
				e, err := NewExec(device.Backend, func(in []*Node) []*Node {
					views, rest := FromRecipes(in)
					d := want.Dims() // [groups, 3, n, size, size]; the graph gives [groups*n, size, size, 3]
					views = TransposeAllAxes(Reshape(views, d[0], d[2], d[3], d[4], d[1]), 0, 4, 1, 2, 3)
					return append(rest, views)
				})
				if err != nil {
					t.Fatal(err)
				}
				defer e.Finalize()
				out, err := e.Call(inputs...)
				if err != nil {
					t.Fatal(err)
				}
				if len(out) != 1 || fmt.Sprint(out[0].Shape().Dimensions) != fmt.Sprint(want.Dims()) {
					t.Fatalf("%d outputs, the first %s", len(out), out[0].Shape())
				}
				worst := 0.0
				out[0].MustConstFlatData(func(values any) {
					for i, x := range values.([]float32) {
						worst = math.Max(worst, math.Abs(float64(x-want.Values[i])))
					}
				})
				t.Logf("largest difference %.1e", worst)
				if !(worst <= 1e-4) {
					t.Errorf("a view differs by %g", worst)
				}
			})
		}
	}
}
