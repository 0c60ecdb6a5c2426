package layout

import (
	"github.com/cidbench/cidbench/report/model"
)

// Report lays out a report.
func Report(r *model.Report) Document {
	d := Document{overview(r), {ID: "claims", Level: 2, Title: "Claims"}}
	for i := range r.Claims {
		d = append(d, claimSection(r, &r.Claims[i]))
	}
	for i := range r.Sweeps {
		d = append(d, sweepSection(r, &r.Sweeps[i]))
	}
	d = append(d, armsSection(r), bandsSection(r))
	if len(r.Analyses) > 0 {
		d = append(d, Analyses(r))
	}
	d = append(d, provenanceSection(r), methodSection(r))
	if len(r.Notes) > 0 {
		d = append(d, Section{ID: "notes", Level: 2, Title: "Notes", Blocks: []Block{List(r.Notes)}})
	}
	return d
}
