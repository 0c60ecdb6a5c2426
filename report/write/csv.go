package write

import (
	"encoding/csv"
	"io"
	"slices"
	"strconv"

	"github.com/cidbench/cidbench/report/model"
)

// The columns of each kind of row, after those that all have.
var (
	contrastColumns = []string{
		"claim", "role", "registration", "verdict", "own_verdict", "look", "alpha", "alpha_spent", "against", "statistic", "relation", "margin",
		"share", "value", "low", "high", "level", "points", "pairs", "p_holds", "p_fails",
	}
	targetColumns = []string{"measure", "step", "published", "band_low", "band_high", "mean_points", "seeds", "held", "source"}
	runColumns    = []string{
		"seed", "status", "linear_points", "ridge_points", "knn_points", "weighted_points",
		"linear_correct", "ridge_correct", "knn_correct", "weighted_correct", "test_images", "loss", "run", "manifest_digest", "result_digest",
	}
)

// CSV writes one row per contrast of a claim, one per published figure that the tier is held against, and one per cell of
// the matrix, run or not; kind tells them apart, and what a row has not is empty. The reason is that of the claim's
// verdict, or of a run that failed. A contrast's share of the gain, or the value of its statistic, has the interval that
// decides, of the level given; alpha is the one-sided level of the claim, and points is the same difference in points.
// Accuracies are counts of test images and points; weighted ones are those of neighbours in the space of embeddings.
func CSV(w io.Writer, r *model.Report) error {
	kinds := [][]string{contrastColumns, targetColumns, runColumns}
	rows := [][]string{append([]string{"kind", "tier", "arm", "temperature", "reason"}, slices.Concat(kinds...)...)}
	for _, r := range r.Tiers() {
		add := func(kind int, name, arm string, temperature float64, reason string, record []string) {
			row := []string{name, r.Tier.ID, arm, exact(&temperature), reason}
			for i, columns := range kinds {
				if i == kind {
					row = append(row, record...)
				} else {
					row = append(row, make([]string, len(columns))...)
				}
			}
			rows = append(rows, row)
		}
		for _, c := range r.Claims {
			for _, x := range c.Contrasts {
				add(0, "contrast", x.A, c.Temperature, c.Reason, contrastRecord(&c, x))
			}
		}
		for _, t := range r.Targets {
			add(1, "target", t.Arm, r.Tier.Temperature, "", []string{
				string(t.Measure), strconv.Itoa(t.Step), exact(&t.Published), exact(&t.Band.Low), exact(&t.Band.High),
				exact(t.Mean), strconv.Itoa(len(t.Found)), string(t.Held), t.Source,
			})
		}
		for _, a := range r.Arms {
			for _, row := range a.Runs {
				add(2, "run", a.ID, a.Temperature, row.Reason, runRecord(row))
			}
		}
	}
	return csv.NewWriter(w).WriteAll(rows)
}

func contrastRecord(c *model.Claim, x model.Contrast) []string {
	var share, value, low, high, level, points, holds, fails string
	if f := x.Found; f != nil {
		low, high, level = exact(&f.Low), exact(&f.High), exact(&f.Level)
		if x.Statistic == "" {
			share = exact(&f.Value)
		} else {
			value = exact(&f.Value)
		}
	}
	if x.Difference != nil && x.Statistic == "" {
		points = exact(&x.Difference.Estimate)
	}
	if x.P != nil {
		holds, fails = exact(&x.P.Support), exact(&x.P.Refute)
	}
	look := ""
	if c.Look > 0 {
		look = strconv.Itoa(c.Look)
	}
	return []string{
		c.ID, string(c.Role), string(c.Registration), string(c.Verdict), string(c.Own), look, exact(&c.Alpha), exact(&c.Spent),
		x.B, x.Statistic, string(x.Relation), exact(&x.Margin),
		share, value, low, high, level, points, strconv.Itoa(x.N), holds, fails,
	}
}

func runRecord(row model.RunRow) []string {
	counts := make([]string, 5)
	if c := row.Correct; c != nil {
		counts = []string{strconv.Itoa(c.Linear), strconv.Itoa(c.Ridge), strconv.Itoa(c.KNN), "", strconv.Itoa(c.TestImages)}
		if row.Weighted != nil {
			counts[3] = strconv.Itoa(c.Weighted)
		}
	}
	return slices.Concat(
		[]string{strconv.FormatUint(row.Seed, 10), string(row.Status), exact(row.Linear), exact(row.Ridge), exact(row.KNN), exact(row.Weighted)}, counts,
		[]string{exact(row.Loss), row.Run, string(row.Manifest), string(row.Result)})
}

// exact spells a number so that reading it gives it back.
func exact(x *float64) string {
	if x == nil {
		return ""
	}
	return strconv.FormatFloat(*x, 'g', -1, 64)
}
