package write_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/report/layout"
	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/report/stats"
	"github.com/cidbench/cidbench/report/write"
)

// Of another tier the claims that were measured stand beside those of the first, in the same rows, and it is said which came
// out alike.
func TestTiersBeside(t *testing.T) {
	r, other := stored(t, "report"), stored(t, "report")
	other.Tier.ID, other.Tier.Dataset, other.Tier.Caveat = "second", "photos", "Caveat of the second."
	var alike, differs, unmeasured *model.Claim
	for i := range other.Claims {
		switch c := &other.Claims[i]; {
		case c.Temperature != other.Tier.Temperature || c.Verdict == model.NotTestable || len(c.Contrasts) == 0 || c.Contrasts[0].N == 0:
		case alike == nil:
			alike = c
		case differs == nil:
			differs = c
			c.Verdict = map[bool]stats.Verdict{true: stats.Refuted, false: stats.Supported}[c.Verdict == stats.Supported]
		case unmeasured == nil:
			unmeasured = c
			for j := range c.Contrasts {
				c.Contrasts[j].N, c.Contrasts[j].Pairs, c.Contrasts[j].Found = 0, nil, nil
			}
		}
	}
	if unmeasured == nil {
		t.Fatal("too few claims in the fixture")
	}
	r.Beside = []*model.Report{other}
	for _, each := range r.Tiers() {
		for i := range each.Claims {
			each.Claims[i].Plain.Holds = "they were enough"
		}
	}
	r.Paper.Statements = []bench.Statement{{Text: "A statement.", Theses: []string{alike.Thesis}}}

	var out bytes.Buffer
	if err := write.Markdown(&out, layout.Report(r), write.Beside{Figures: "figures", Full: "report.html", Tiers: []write.Tier{{ID: "second", Full: "report-second.html"}}}); err != nil {
		t.Fatal(err)
	}
	text := out.String()
	for _, want := range []string{
		"Caveat of the second.", "Tier second, temperature 0.2", "Tier " + r.Tier.ID + ", temperature 0.2",
		"**They were enough on toys.**", "**They were enough on photos.**", "[one of its own](report-second.html)", "Provenance, tier second",
		"figures/agreement.svg", "figures/paired-0.2-second.svg",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if got, alone := strings.Count(written(t, "csv", r), "\n"), strings.Count(written(t, "csv", stored(t, "report")), "\n"); got != 2*alone-1 {
		t.Errorf("CSV has %d lines, and one of a tier %d", got, alone)
	}
	part := func(from, to string) string {
		_, text, found := strings.Cut(text, from)
		if !found {
			t.Errorf("no %q", from)
		}
		text, _, _ = strings.Cut(text, to)
		return text
	}
	differ, same := part("Not the same verdict:", "The same verdict:"), part("The same verdict:", "Judged in one tier alone")
	once := part("Judged in one tier alone", "## ")
	for text, c := range map[string]*model.Claim{same: alike, differ: differs, once: unmeasured} {
		if !strings.Contains(text, "**"+strings.ReplaceAll(c.ID, "_", `\_`)+"**") {
			t.Errorf("%s is not in\n%s", c.ID, text)
		}
	}
	if strings.Contains(text, "here.**") {
		t.Error("where is here, in a report of two tiers?")
	}
}
