package drift

import (
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/report/stats"
)

// published is how many rows of nights are behind the tables of docs/drift.md.
const published = 400

var replications = flag.Int("replications", 100, "rows of nights in TestRates")

// laws are errors with mean 0 and standard deviation 1.
var laws = []struct {
	name string
	draw func(*rand.Rand) float64
}{
	{"normal", (*rand.Rand).NormFloat64},
	{"t, 3 degrees", func(r *rand.Rand) float64 {
		squares := 0.0
		for range 3 {
			x := r.NormFloat64()
			squares += x * x
		}
		return r.NormFloat64() / math.Sqrt(squares) // whose variance is 3/3
	}},
	{"exponential", func(r *rand.Rand) float64 { return r.ExpFloat64() - 1 }},
}

const (
	simulatedArms = 33 // as many contrasts as tier gpu has
	shiftedArm    = 0
)

// row draws nights of a tier: contrasts of arms with one baseline, all at the same seeds. From night `from` on one arm is
// better by so many standard deviations of its contrast.
func row(r *rand.Rand, law func(*rand.Rand) float64, nights, seeds, from int, shift float64) (all []Night) {
	for night := range nights {
		n := Night{Night: bench.Night{Name: fmt.Sprintf("2026-%02d-%02d", 1+night/28, 1+night%28)}}
		baseline := make([]float64, seeds)
		for i := range baseline {
			baseline[i] = law(r)
		}
		for arm := range simulatedArms {
			v := Values{Key: fmt.Sprint("arm ", arm)}
			for i := range seeds {
				difference := (law(r) - baseline[i]) / math.Sqrt2
				if arm == shiftedArm && night >= from {
					difference += shift
				}
				v.Values = append(v.Values, difference)
			}
			n.Series = append(n.Series, v)
		}
		all = append(all, n)
	}
	return all
}

// TestRates simulates nights and has them followed: how often unchanged ones raise an alarm, and how soon a shift does. What
// it logs with -replications 400 -v are the tables of docs/drift.md, and fails if it does not stand there.
func TestRates(t *testing.T) {
	if testing.Short() {
		t.Skip("this follows some thousand rows of nights")
	}
	r := rand.New(rand.NewPCG(6, 0))
	followed, err := Follow("simulated", row(rand.New(rand.NewPCG(7, 0)), laws[0].draw, Horizon, 5, 0, 0))
	if err != nil {
		t.Fatal(err)
	}
	limit := followed.Limit // with as many series; that of every row, which then need not be simulated again
	docs, err := os.ReadFile("../../docs/drift.md")
	if err != nil {
		t.Fatal(err)
	}
	log := func(format string, args ...any) {
		t.Helper()
		line := fmt.Sprintf(format, args...)
		t.Log(line)
		if *replications == published && !strings.Contains(string(docs), line+"\n") {
			t.Errorf("docs/drift.md does not have %s", line)
		}
	}
	alarms := func(nights []Night) (all []Alarm) {
		for _, s := range series(nights) {
			batches := s.batches(nights)
			shifts, _ := stats.Shifts(batches, limit)
			found, err := s.alarms(nights, nil, batches, shifts)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, found...)
		}
		return all
	}
	for _, law := range laws {
		for _, seeds := range []int{1, 3, 5} {
			some, more := 0, 0
			for range *replications {
				n := len(alarms(row(r, law.draw, Horizon, seeds, 0, 0)))
				some, more = some+min(n, 1), more+min(n/2, 1)
			}
			rate := float64(some) / float64(*replications)
			log("| %s | %d | %.1f | %.1f |", law.name, seeds, 100*rate, 100*float64(more)/float64(*replications))
			if rate > Alpha+3*math.Sqrt(Alpha*(1-Alpha)/float64(*replications)) {
				t.Errorf("%s errors, %d seeds a night: a false alarm in %.3f of rows", law.name, seeds, rate)
			}
		}
	}
	for _, tc := range []struct {
		seeds, from int
		shift       float64
		half, most  int // nights in which half, and nine in ten, have an alarm
	}{
		{3, 20, 1, 16, 31}, {5, 10, 1, 13, 31}, {5, 20, 1, 9, 18}, {5, 40, 1, 8, 14}, {5, 20, 2, 3, 5},
	} {
		const after = 30
		var nights []int
		for range *replications {
			at := after + 1
			for _, a := range alarms(row(r, laws[0].draw, tc.from+after, tc.seeds, tc.from, tc.shift)) {
				var night int
				if a.Series == fmt.Sprint("arm ", shiftedArm) {
					var month, day int
					if _, err := fmt.Sscanf(a.Night, "2026-%d-%d", &month, &day); err != nil {
						t.Fatal(err)
					}
					night = 28*(month-1) + day - 1
				}
				if night >= tc.from {
					at = min(at, night-tc.from+1)
				}
			}
			nights = append(nights, at)
		}
		slices.Sort(nights)
		half, most := nights[len(nights)/2], nights[len(nights)*9/10]
		log("| %g | %d | %d | %d | %d |", tc.shift, tc.seeds, tc.from, half, most)
		if half > tc.half || most > tc.most {
			t.Errorf("%+v: half are found in %d nights, nine in ten in %d", tc, half, most)
		}
	}
}
