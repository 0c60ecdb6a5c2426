package crate

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/cidbench/cidbench/registry"
	"github.com/cidbench/cidbench/report/words"
)

const profile = "https://w3id.org/ro/wfrun/process/0.5"

// root puts what the crate is as a whole before its files and actions.
func (c *crate) root() {
	r := c.Report
	licence, paper, dataset := reference{"#licence"}, reference{cmp.Or(r.Paper.Link, "#paper")}, reference{c.folder}
	var last registry.EvidenceRun
	for _, run := range c.Runs {
		if run.Provenance.Finished.After(last.Provenance.Finished) {
			last = run
		}
	}
	head := []entity{
		{
			"@id": metadataName, "@type": "CreativeWork", "about": reference{"./"},
			"conformsTo": reference{"https://w3id.org/ro/crate/1.1"},
		},
		{
			"@id": "./", "@type": "Dataset", "conformsTo": reference{profile}, "author": operator, "publisher": operator,
			"name":        fmt.Sprintf("Evidence on the claims of %q, tier %s", r.Paper.Title, r.Tier.ID),
			"description": fmt.Sprintf("What %s say of %s. %s", words.Count(len(c.Runs), "run"), words.Count(len(r.Claims), "claim"), words.Caveat(r.Tier)),
			// When evidence is written is not in it, so that the same runs give the same bytes.
			"datePublished": stamp(last.Provenance.Finished),
			"license":       licence, "citation": paper,
			"hasPart": append(references{dataset}, c.parts...), "mentions": c.actions,
		},
		{"@id": profile, "@type": "CreativeWork", "name": "Process Run Crate", "version": "0.5"},
		{
			"@id": licence.ID, "@type": "CreativeWork", "name": "no licence",
			"description": "This evidence states none: who publishes it does.",
		},
		{"@id": paper.ID, "@type": "ScholarlyArticle", "name": r.Paper.Title},
		{
			"@id": operator.ID, "@type": "Organization", "name": "whoever ran the program",
			"description": "Manifests say on what machine a run was made, and not by whom.",
		},
		{
			"@id": dataset.ID, "@type": "Dataset", "name": c.Dataset.Name, "identifier": c.Dataset.Digest,
			"description": "the data set, by its description: the images are not in the crate",
			"hasPart":     reference{c.folder + "croissant.json"},
		},
	}
	for _, p := range c.programs {
		head = append(head, entity{"@id": programID(p).ID, "@type": "SoftwareApplication", "name": p.Tool, "softwareVersion": "commit " + words.Commit(p), "url": registry.Home})
	}
	c.graph = slices.Concat(head, c.graph)
}
