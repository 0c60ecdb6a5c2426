package stats

import (
	"errors"
	"fmt"
	"testing"
)

// Critical values of L for 0.05, 0.01 and 0.001 from the tables of Page (1963), 0 where there is none: the least
// value whose probability is no larger.
func TestPageMatchesPublishedTables(t *testing.T) {
	for _, tc := range []struct {
		doses, rows int
		critical    [3]int
	}{
		{3, 2, [3]int{28, 0, 0}}, {3, 3, [3]int{41, 42, 0}}, {3, 4, [3]int{54, 55, 56}}, {3, 5, [3]int{66, 68, 70}},
		{4, 2, [3]int{58, 60, 0}}, {4, 3, [3]int{84, 87, 89}}, {4, 4, [3]int{111, 114, 117}},
		{5, 2, [3]int{103, 106, 109}}, {5, 3, [3]int{150, 155, 160}}, {6, 2, [3]int{166, 173, 178}},
		{6, 3, [3]int{244, 252, 260}}, {7, 2, [3]int{252, 261, 269}}, {4, 6, [3]int{163, 167, 172}},
	} {
		var row []float64
		for j := range tc.doses {
			row = append(row, float64(j))
		}
		null := []float64{1}
		for range tc.rows {
			null = convolve(null, orders(midRanks(row)))
		}
		for i, alpha := range []float64{0.05, 0.01, 0.001} {
			got, tail := 0, 0.0
			for l := len(null) / 2; l >= 0; l-- {
				if tail += null[2*l]; tail > alpha {
					break
				}
				if tail > 0 {
					got = l
				}
			}
			if got != tc.critical[i] {
				t.Errorf("%d doses, %d rows, %v: %d, want %d", tc.doses, tc.rows, alpha, got, tc.critical[i])
			}
		}
	}
}

// The example of Page (1963): six rows of four ranks, L 168, which is above the critical value for 0.01, 167, and
// below that for 0.001, 172. A row's correlation is that of L, (12 L / (n k (k+1)) - 3 (k+1)) / (k-1).
func TestPageOnHisExample(t *testing.T) {
	trend, err := Page([][]float64{{2, 1, 3, 4}, {1, 3, 4, 2}, {1, 3, 2, 4}, {1, 4, 2, 3}, {3, 1, 2, 4}, {1, 2, 4, 3}})
	if err != nil || trend.N != 6 || trend.Levels != 4 || trend.P > 0.01 || trend.P < 0.001 || !near(meanRho(trend), (12*168./(6*4*5)-15)/3, 1e-12) {
		t.Errorf("%+v, %v", trend, err)
	}
	if trend.PFalling < 0.99 || trend.PFalling >= 1 {
		t.Errorf("falling: %v", trend.PFalling)
	}
}

func TestOrdersOfEightRanks(t *testing.T) {
	row := []float64{1, 2, 3, 4, 5, 6, 7, 8}
	count := map[int]float64{}
	for _, order := range shuffles(row) {
		count[int(2*score(order))]++
	}
	for s, p := range orders(midRanks(row)) {
		if !near(p*40320, count[s], 1e-6) {
			t.Errorf("twice the sum %d: %v of 40320 orders, want %v", s, p*40320, count[s])
		}
	}
}

// shuffles are all orders of a row, equal values told apart.
func shuffles(row []float64) (all [][]float64) {
	if len(row) == 0 {
		return [][]float64{nil}
	}
	for i, v := range row {
		rest := append(append([]float64(nil), row[:i]...), row[i+1:]...)
		for _, tail := range shuffles(rest) {
			all = append(all, append([]float64{v}, tail...))
		}
	}
	return all
}

// score is Page's statistic of rows whose values are their own ranks.
func score(rows ...[]float64) (s float64) {
	for _, row := range rows {
		for j, v := range row {
			s += float64(j+1) * v
		}
	}
	return s
}

func TestPageMatchesEnumeration(t *testing.T) {
	for _, rows := range [][][]float64{ // ranks
		{{1, 2, 3}, {1, 3, 2}},
		{{1.5, 1.5, 3}, {2, 2, 2}},
		{{1, 2.5, 2.5, 4}, {2, 1, 3, 4}},
		{{3.5, 1.5, 3.5, 1.5}, {4, 3, 2, 1}},
	} {
		rising, falling, all := 0., 0., 0.
		observed := score(rows...)
		for _, a := range shuffles(rows[0]) {
			for _, b := range shuffles(rows[1]) {
				all++
				if score(a, b) >= observed {
					rising++
				}
				if score(a, b) <= observed {
					falling++
				}
			}
		}
		// Only ranks count, so each row may have a scale of its own.
		trend, err := Page([][]float64{scaled(rows[0], 10, -3), scaled(rows[1], 0.01, 60)})
		if err != nil || trend.N != 2 || trend.Levels != len(rows[0]) || !near(trend.P, rising/all, 1e-12) || !near(trend.PFalling, falling/all, 1e-12) {
			t.Errorf("%v: %+v, %v, want %v and %v", rows, trend, err, rising/all, falling/all)
		}
	}
}

func scaled(row []float64, by, from float64) (out []float64) {
	for _, v := range row {
		out = append(out, from+by*v)
	}
	return out
}

func TestPageMeanRho(t *testing.T) {
	for _, tc := range []struct {
		rows [][]float64
		want float64
	}{
		{[][]float64{{1, 2, 9}, {0, 5, 6}}, 1},
		{[][]float64{{1, 2, 9}, {9, 2, 1}}, 0},
		{[][]float64{{1, 2, 4, 3}, {1, 2, 4, 3}}, 0.8}, // 1 - 6*2/(4*15)
		{[][]float64{{1, 2, 3}, {4, 4, 4}}, 0.5},
		{[][]float64{{4, 4, 4}, {4, 4, 4}}, 0},
	} {
		trend, err := Page(tc.rows)
		if err != nil || !near(meanRho(trend), tc.want, 1e-12) {
			t.Errorf("%v: %+v, %v, want %v", tc.rows, trend, err, tc.want)
		}
	}
	// Five rising rows of eight: one order of 8! each.
	rising := []float64{1, 2, 3, 4, 5, 6, 7, 8}
	trend, err := Page([][]float64{rising, rising, rising, rising, rising})
	if want := 1 / (40320. * 40320 * 40320 * 40320 * 40320); err != nil || !near(trend.P/want, 1, 1e-9) || !near(trend.PFalling, 1, 1e-9) {
		t.Errorf("%+v, %v, want p %v", trend, err, want)
	}
}

func TestPageKeepsItsLevel(t *testing.T) {
	const draws = 4_000
	r := rng(6)
	for _, coarse := range []bool{false, true} {
		var wrong [2]float64
		for range draws {
			rows := make([][]float64, 5)
			for i := range rows {
				for range 5 {
					v := r.NormFloat64()
					if coarse {
						v = float64(int(v))
					}
					rows[i] = append(rows[i], v)
				}
			}
			trend, err := Page(rows)
			if err != nil {
				t.Fatal(err)
			}
			if trend.P <= level {
				wrong[0] += 1. / draws
			}
			if trend.PFalling <= level {
				wrong[1] += 1. / draws
			}
		}
		for i, got := range wrong {
			if got > level+slack(level, draws) || got < 0.7*level { // ties make the null coarser
				t.Errorf("coarse %v, direction %d: wrong in %.4f", coarse, i, got)
			}
		}
	}
}

func TestPageRefusesBadArguments(t *testing.T) {
	row := []float64{1, 2, 3}
	for name, tc := range map[string]struct {
		rows [][]float64
		want error
	}{
		"no rows": {nil, ErrTooFew}, "one row": {[][]float64{row}, ErrTooFew},
		"two doses":  {[][]float64{row[:2], row[:2]}, ErrRange},
		"nine doses": {[][]float64{make([]float64, 9), make([]float64, 9)}, ErrRange},
		"ragged":     {[][]float64{row, {1, 2, 3, 4}}, ErrUnpaired},
		"missing":    {[][]float64{row, {1, nan, 3}}, ErrNotFinite},
	} {
		if trend, err := Page(tc.rows); !errors.Is(err, tc.want) || trend.N != 0 {
			t.Errorf("%s: %+v, %v, want %v", name, trend, err, tc.want)
		}
	}
}

// Accuracy in per cent at three doses, for three seeds: it rises with the dose in each.
func ExamplePage() {
	trend, err := Page([][]float64{{60.1, 61.0, 62.5}, {59.2, 59.9, 60.3}, {61.0, 61.2, 61.1}})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("mean Spearman %.2f over %d seeds, p %.4f\n", meanRho(trend), trend.N, trend.P)
	// Output: mean Spearman 0.83 over 3 seeds, p 0.0324
}

func meanRho(t Trend) (sum float64) {
	for _, rho := range t.Rho {
		sum += rho / float64(t.N)
	}
	return sum
}
