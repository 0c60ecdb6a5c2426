// Package crate makes the files that let others' tools read evidence: its RO-Crate, by the profile Process Run Crate; a
// test result of in-toto for each verdict; the description of its data set. It judges nothing: verdicts are the
// report's, and what it says of runs is in their manifests.
package crate

import (
	"cmp"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/registry"
	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/report/words"
)

// Input is what evidence is described from.
type Input struct {
	Report *model.Report
	Runs   []registry.EvidenceRun // all that are in it, by id
	// Dataset is the one that the runs are on, and Croissant its description.
	Dataset   bench.Data
	Croissant []byte
	Key       ed25519.PrivateKey // signs the verdicts; nil: nobody does
}

const metadataName = "ro-crate-metadata.json"

// Files are the metadata of the crate, a statement in verdicts for each claim of which there are runs, signed in an
// envelope beside it if there is a key, and the description in datasets. Without runs there are none. The same input
// gives the same bytes. An error means that the report rests on runs that are not there.
func Files(in Input) ([]registry.File, error) {
	if len(in.Runs) == 0 {
		return nil, nil
	}
	c := crate{Input: in, folder: "datasets/" + in.Dataset.Name + "/", there: map[string]bool{}, cells: map[string]string{}}
	for _, arm := range in.Report.Arms {
		for _, row := range arm.Runs {
			c.cells[row.Run] = fmt.Sprintf("arm %s, temperature %s, seed %d", arm.ID, words.Temperature(arm), row.Seed)
		}
	}
	c.file(registry.File{Name: c.folder + "croissant.json", Data: in.Croissant}, "description of the data set, as Croissant", "application/ld+json")
	for i := range in.Report.Claims {
		if err := c.verdictFiles(&in.Report.Claims[i]); err != nil {
			return nil, err
		}
	}
	for i := range in.Runs {
		c.action(&in.Runs[i])
	}
	c.root()
	text, err := json.MarshalIndent(map[string]any{
		"@context": []any{"https://w3id.org/ro/crate/1.1/context", map[string]string{"sha256": "https://w3id.org/ro/terms/workflow-run#sha256"}},
		"@graph":   c.graph,
	}, "", " ")
	if err != nil {
		return nil, err
	}
	return append([]registry.File{{Name: metadataName, Data: append(text, '\n')}}, c.files...), nil
}

// run finds a run of the evidence; nil if it is not there.
func (in Input) run(id string) *registry.EvidenceRun {
	i, ok := slices.BinarySearchFunc(in.Runs, id, func(r registry.EvidenceRun, id string) int { return strings.Compare(r.Run, id) })
	if !ok {
		return nil
	}
	return &in.Runs[i]
}

// An entity is one of the graph of a crate.
type entity map[string]any

// A reference is to an entity.
type reference struct {
	ID string `json:"@id"`
}

// references are to one or more entities: one is not written as an array.
type references []reference

func (r references) MarshalJSON() ([]byte, error) {
	if len(r) == 1 {
		return json.Marshal(r[0])
	}
	return json.Marshal([]reference(r))
}

// A crate is one that is being made.
type crate struct {
	Input
	folder   string            // of the data set
	cells    map[string]string // in words, by run
	files    []registry.File
	graph    []entity
	parts    references      // of the root
	there    map[string]bool // the same
	actions  references
	programs []model.Commit // that made runs
}

// file adds a file that is made here.
func (c *crate) file(f registry.File, name, format string) {
	c.files = append(c.files, f)
	c.part(registry.StoredFile{Name: f.Name, Descriptor: registry.Descriptor{Digest: registry.DigestOf(f.Data), Size: int64(len(f.Data))}}, name, format)
}

// part adds a file, once.
func (c *crate) part(f registry.StoredFile, name, format string) reference {
	id := reference{f.Name}
	if !c.there[f.Name] {
		c.there[f.Name] = true
		c.parts = append(c.parts, id)
		c.graph = append(c.graph, entity{
			"@id": f.Name, "@type": "File", "name": name, "encodingFormat": format,
			"contentSize": fmt.Sprint(f.Size), "sha256": f.Digest.Hex(),
		})
	}
	return id
}

// verdictFiles adds the statement about a claim's verdict. In-toto has none about nothing.
func (c *crate) verdictFiles(claim *model.Claim) error {
	if len(claim.Runs) == 0 {
		return nil
	}
	s, err := c.verdict(claim)
	if err != nil {
		return err
	}
	text, err := s.Text()
	if err != nil {
		return err
	}
	name := "verdicts/" + claim.ID
	c.file(registry.File{Name: name + ".json", Data: text}, fmt.Sprintf("verdict on %s: %s", claim.ID, claim.Verdict), "application/vnd.in-toto+json")
	if c.Key == nil {
		return nil
	}
	signed, err := registry.Seal(text, c.Key)
	if err == nil {
		c.file(registry.File{Name: name + ".dsse.json", Data: signed}, "the same, signed", "application/vnd.dsse.envelope.v1+json")
	}
	return err
}

// operator stands for whoever ran the program.
var operator = reference{"#operator"}

// action adds what made a run, with its manifest and what else of it there is.
func (c *crate) action(run *registry.EvidenceRun) {
	key, err := bench.ReadKey(run.Key)
	if err != nil {
		key = bench.Stored{} // of a version to come: it has a manifest all the same
	}
	name := c.name(run.Run, key)
	p := run.Provenance
	results := references{c.part(run.Stored, "manifest: "+name, "application/json")}
	for _, artifact := range slices.Sorted(maps.Keys(run.Artifacts)) {
		f := run.Artifacts[artifact]
		results = append(results, c.part(f, artifact+": "+name, f.MediaType))
	}
	a := entity{
		"@id": "#run-" + run.Run, "@type": "CreateAction", "name": name,
		"description": fmt.Sprintf("%s, %s; %.1f seconds; resumed %s", words.Machine(model.Machine{CPU: p.CPU, Cores: p.Cores, OS: p.OS, Arch: p.Arch}), p.Backend, p.WallSeconds, words.Count(p.Resumed, "time")),
		"startTime":   stamp(p.Started), "endTime": stamp(p.Finished), "instrument": c.program(p), "agent": operator, "result": results,
		"actionStatus": "http://schema.org/CompletedActionStatus",
	}
	if run.Status == registry.Failed {
		a["actionStatus"], a["error"] = "http://schema.org/FailedActionStatus", run.Reason
	}
	switch of := c.run(key.Run); {
	case key.IsAnalysis() && of != nil:
		a["object"] = reference{of.Stored.Name}
	case key.Dataset == c.Dataset:
		a["object"] = reference{c.folder}
	}
	c.graph = append(c.graph, a)
	c.actions = append(c.actions, reference{"#run-" + run.Run})
}

// name says what a run is.
func (c *crate) name(id string, key bench.Stored) string {
	what := fmt.Sprintf("training by %s v%d", key.Training.Method.Name, key.Training.Method.Version)
	switch {
	case key.IsAnalysis():
		what, id = "analysis of the embeddings", key.Run
	case key.Kind != "":
		return "registration of a " + key.Kind
	case key.Training.Method.Name == "":
		what = "run"
	}
	if cell := c.cells[id]; cell != "" {
		what += ": " + cell
	}
	return what
}

// program is the entity of what made a run.
func (c *crate) program(p registry.Provenance) reference {
	by := model.Commit{Tool: p.Tool, Commit: p.Commit, Dirty: p.Dirty}
	if !slices.Contains(c.programs, by) {
		c.programs = append(c.programs, by)
	}
	return programID(by)
}

// programID is an address where a commit is known, as the profile wants it.
func programID(by model.Commit) reference {
	return reference{registry.Home + "/tree/" + cmp.Or(by.Commit, "HEAD") + "#" + url.PathEscape(fmt.Sprintf("%s, %s", by.Tool, words.Commit(by)))}
}

// stamp is a time as the profile wants it.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000-07:00") }
