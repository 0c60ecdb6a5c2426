package diff_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/report/diff"
	"github.com/cidbench/cidbench/report/layout"
	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/report/stats"
)

// stored is the report that the tests of package judge keep.
func stored(t *testing.T) *model.Report {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("..", "judge", "testdata", "report.json"))
	if err != nil {
		t.Fatal(err)
	}
	r := &model.Report{}
	if err := json.Unmarshal(content, r); err != nil {
		t.Fatal(err)
	}
	return r
}

func compare(t *testing.T, a, b *model.Report) *diff.Comparison {
	t.Helper()
	c, err := diff.Compare("here", a, "there", b)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestNothingMoved(t *testing.T) {
	c := compare(t, stored(t), stored(t))
	if c.Verdicts != 0 || c.Moved != 0 || c.Compared == 0 || c.Both == 0 || c.Shared != c.Both || c.Equal != c.Both || len(c.OnlyA)+len(c.OnlyB) != 0 {
		t.Errorf("a report beside itself: %+v", c)
	}
	for _, p := range c.Provenance {
		if !p.Same {
			t.Errorf("%s differs: %v and %v", p.Name, p.A, p.B)
		}
	}
}

func TestWhatMoved(t *testing.T) {
	b := stored(t)
	claim := &b.Claims[slices.IndexFunc(b.Claims, func(c model.Claim) bool { return c.ID == "easiest95" })]
	before := claim.Verdict
	claim.Verdict = stats.Inconclusive
	d := claim.Contrasts[0].Difference
	d.Estimate, d.Low, d.High = d.Estimate-50, d.Low-50, d.High-50
	arm := &b.Arms[slices.IndexFunc(b.Arms, func(a model.Arm) bool { return a.ID == "easiest95" })]
	arm.Runs[0].Status, arm.Runs[0].Linear = model.NotRun, nil
	c := compare(t, stored(t), b)
	if c.Verdicts != 1 || c.Moved != 1 || len(c.OnlyA) != 1 || len(c.OnlyB) != 0 || c.OnlyA[0] != "runs of easiest95 at temperature 0.2, seeds 0" {
		t.Errorf("%d verdicts, %d contrasts, only in A %q, only in B %q", c.Verdicts, c.Moved, c.OnlyA, c.OnlyB)
	}
	i := slices.IndexFunc(c.Claims, func(c diff.ClaimChange) bool { return c.ID == "easiest95" })
	if x := c.Claims[i]; x.A.Verdict != before || x.B.Verdict != stats.Inconclusive || x.Contrasts[0].Change.Noise || x.Contrasts[0].Change.Estimate > -49.9 {
		t.Errorf("%+v", x)
	}
}

func TestOtherTiersAreNotCompared(t *testing.T) {
	b := stored(t)
	b.Tier.ID = "other"
	if c, err := diff.Compare("here", stored(t), "there", b); err == nil {
		t.Errorf("%+v", c)
	}
}

// A verdict that no registered plan stands behind is shown as that, on the side where it is so.
func TestExploratorySide(t *testing.T) {
	a, b := stored(t), stored(t)
	i := slices.IndexFunc(b.Claims, func(c model.Claim) bool { return c.ID == "easiest95" })
	a.Claims[i].Role, a.Claims[i].Registration = bench.Primary, model.Early
	b.Claims[i].Role, b.Claims[i].Registration = bench.Primary, model.Registered
	c := compare(t, a, b)
	if x := c.Claims[i]; x.A.Confirms || !x.B.Confirms || c.Verdicts != 0 {
		t.Errorf("%+v, %d verdicts changed", x, c.Verdicts)
	}
	for _, block := range diff.Document(c)[0].Blocks {
		if table, ok := block.(*layout.Table); ok {
			row := table.Rows[slices.IndexFunc(table.Rows, func(r layout.Row) bool { return r.Cells[0] == "easiest95" })]
			if !strings.HasSuffix(row.Cells[1], " (exploratory)") || strings.HasSuffix(row.Cells[2], " (exploratory)") {
				t.Errorf("%q", row.Cells)
			}
		}
	}
}
