package study

import (
	"bytes"
	"cmp"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io"
	"maps"
	"math"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/bench/analysis"
	"github.com/cidbench/cidbench/bench/dataset"
	"github.com/cidbench/cidbench/bench/dataset/croissant"
	"github.com/cidbench/cidbench/bench/taxonomy"
	"github.com/cidbench/cidbench/registry"
	"github.com/cidbench/cidbench/report/crate"
	"github.com/cidbench/cidbench/report/diff"
	"github.com/cidbench/cidbench/report/judge"
	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/report/words"
)

// Judge judges the claims, after running what is missing if run is set: what is explored, and of the plan no more
// looks than it takes to decide its claims.
func (s *Study) Judge(ctx context.Context, run bool) (*model.Report, error) {
	r, _, err := s.look(ctx, &extent{cells: s.matrix(0)}, run)
	return r, err
}

var errBudget = errors.New("the budget is spent")

// look goes on to further looks as long as claims of the plan are open, running what is missing. It reads what is
// stored before it runs anything, so the budget has no say in the verdict on stored runs.
func (s *Study) look(ctx context.Context, at *extent, run bool) (*model.Report, judge.Input, error) {
	budget := cmp.Or(s.opts.Budget, time.Duration(math.MaxInt64))
	limited, cancel := context.WithTimeoutCause(ctx, budget, errBudget)
	defer cancel()
	for ran := 0; ; {
		in, err := s.input(ctx, *at)
		if err != nil {
			return nil, in, err
		}
		r, err := judge.Build(in)
		if err != nil || at.stopped != "" {
			return r, in, err
		}
		before := len(at.cells)
		at.cells = union(at.cells, s.next(r))
		open := r.Plan != nil && len(r.Plan.Open) > 0
		switch {
		case len(at.cells) > before: // its runs may be there already
			continue
		case run && ran < len(at.cells):
		case open: // what was run and is gone again is not run twice
			in.Stopped = "stored runs end"
			r, err = judge.Build(in)
			return r, in, err
		default:
			return r, in, nil
		}
		ran = len(at.cells)
		if open {
			s.opts.Observer.Say(words.Going(r))
		}
		err = s.damage.note(s.compute(limited, at.cells))
		if errors.Is(err, context.DeadlineExceeded) && errors.Is(context.Cause(limited), errBudget) {
			at.stopped = fmt.Sprintf("budget of %s spent", budget)
		} else if err != nil {
			return nil, in, err
		}
	}
}

// next lists the cells of the next looks of the claims of the plan that are open.
func (s *Study) next(r *model.Report) (cells []bench.Cell) {
	for _, claim := range s.planned(s.catalogue) {
		if look, open := r.Plan.Open[claim.ID]; open {
			cells = union(cells, s.confirming([]*bench.Claim{claim}, look))
		}
	}
	return cells
}

func pick[T any](all []T, want func(T) bool) (picked []T) {
	for _, x := range all {
		if want(x) {
			picked = append(picked, x)
		}
	}
	return picked
}

// extent is how far a report reaches: the cells that its verdicts may rest on, and why it goes no further.
type extent struct {
	cells   []bench.Cell
	stopped string
}

// Report judges what the registry holds. The input is what the report was built from.
func (s *Study) Report(ctx context.Context) (*model.Report, judge.Input, error) {
	return s.look(ctx, &extent{cells: s.matrix(0)}, false)
}

// Beside judges other tiers, each TIER, of the Store of the options, or TIER=STORE, for a report to stand beside its own.
// Errors: UsageError for a tier that is there twice; NothingError for one without a complete run; those of Open; beside reports, that of Damage.
func Beside(ctx context.Context, catalogue *bench.Catalogue, o Options, tiers []string) (all []*model.Report, err error) {
	var damage error
	for _, arg := range tiers {
		other := o
		other.Selection = Selection{Claims: o.Claims, Backend: o.Backend}
		var own bool
		if other.Tier, other.Store, own = strings.Cut(arg, "="); own {
			other.Base = ""
		} else {
			other.Store = o.Store
		}
		if other.Tier == o.Tier || slices.ContainsFunc(all, func(r *model.Report) bool { return r.Tier.ID == other.Tier }) {
			return nil, UsageError{fmt.Errorf("--beside %s: that tier is in the report already", arg)}
		}
		s, err := Open(ctx, catalogue, other)
		if err != nil {
			return nil, fmt.Errorf("--beside %s: %w", arg, err)
		}
		r, _, err := s.Report(ctx)
		if err != nil {
			return nil, fmt.Errorf("--beside %s: %w", arg, err)
		}
		if r.Tier.RunsPresent == 0 {
			return nil, NothingError(fmt.Sprintf("--beside %s: %s holds no complete run of these claims in that tier", arg, s.reg))
		}
		all, damage = append(all, r), errors.Join(damage, s.Damage())
	}
	return all, damage
}

func (s *Study) input(ctx context.Context, to extent) (judge.Input, error) {
	if err := s.lookAgain(ctx); err != nil {
		return judge.Input{}, err
	}
	tree := s.source.Tree()
	in := judge.Input{
		Catalogue: s.catalogue, Tier: s.tier, Claims: s.claims, Seeds: s.seeds, Night: s.opts.Night, Plan: s.plan, Stopped: to.stopped,
		Notes: s.held.notes(), Sweeps: s.sweeps(), Classes: taxonomy.Classes(tree), OneScale: taxonomy.NewTable(tree, tree.Leaves()).OneScale(), Picture: s.picture,
		Command: s.command(), Program: s.opts.Program,
	}
	// What was explored stands beside what is asked for, as far as it is there.
	in.Cells = union(to.cells, pick(s.exploring(s.claims, s.seeds), s.held.has))
	cells := s.everyCell(in.Cells)
	var err error
	if in.Runs, err = Load(ctx, s.held.runs, cells); s.damage.note(err) != nil {
		return in, err
	}
	loaded := func(_ context.Context, id string) (registry.Manifest, registry.Digest, error) {
		run, there := in.Runs[id]
		if !there { // or damaged, which was noted
			return registry.Manifest{}, "", registry.ErrNotExist
		}
		return run.Manifest, run.Digest, nil
	}
	stored, err := bench.Analyses(ctx, loaded, cells, s.tier.Analysis, s.source.Tree(), s.env)
	if s.damage.note(err) != nil {
		return in, err
	}
	if in.Analyses, err = LoadAnalyses(ctx, s.held.runs, stored); s.damage.note(err) != nil {
		return in, err
	}
	if in.Near, err = s.near(ctx, in.Cells, in.Runs); err != nil {
		return in, err
	}
	if in.Begun, err = s.begun(ctx, in.Cells, in.Runs); err != nil {
		return in, err
	}
	if s.plan != nil {
		spec := s.catalogue.PlanSpec(s.plan, s.env)
		in.PlanID = spec.ID()
		if in.Registered, err = s.registered(ctx, spec); s.damage.note(err) != nil {
			return in, err
		}
	}
	in.Notes = append(in.Notes, s.damage.notes()...)
	return in, nil
}

// begun are the probes of runs that are not finished, of the arms that the tier's targets are of.
func (s *Study) begun(ctx context.Context, cells []bench.Cell, runs map[string]judge.Run) (map[string][]bench.CurvePoint, error) {
	curves := map[string][]bench.CurvePoint{}
	for _, cell := range cells {
		id := cell.Spec.ID()
		_, finished := runs[id]
		targeted := slices.ContainsFunc(s.tier.Targets, func(t bench.Target) bool { return t.Arm == cell.Arm })
		if finished || !targeted || !s.reg.Local() && !s.held.others[id] { // nothing tells of it
			continue
		}
		var err error
		if curves[id], err = bench.Begun(ctx, s.reg, id); err != nil {
			return nil, err
		}
	}
	return curves, nil
}

// WriteEvidence writes the runs and analyses that a report is built from, as a file that can be opened as a
// registry, with all runs of the tier's plan that there are: none can be left out without that being seen. Beside them is
// what others' tools read. With a key the list of all that and the verdicts are signed.
func (s *Study) WriteEvidence(ctx context.Context, w io.Writer, r *model.Report, in judge.Input, key ed25519.PrivateKey) error {
	judged := map[string]registry.Digest{}
	for id, run := range in.Runs {
		judged[id] = run.Digest
	}
	for _, a := range in.Analyses {
		judged[a.Spec.ID()] = a.Digest
	}
	ids := slices.Collect(maps.Keys(judged))
	opts := registry.EvidenceOptions{MediaTypes: []string{analysis.CountsType}, Key: key}
	opts.Beside = func(runs []registry.EvidenceRun) ([]registry.File, error) {
		for _, run := range runs { // which are the originals
			if digest, ok := judged[run.Run]; ok && digest != run.Stored.Digest {
				return nil, fmt.Errorf("%w: run %s: its manifest is %s, and %s was judged, from a pack; registry check says more, registry ls --reindex packs anew",
					registry.ErrCorrupt, run.Run, run.Stored.Digest, digest)
			}
		}
		about, err := croissant.Describe(s.source, nil) // the same, whether the images are here or not
		if err != nil {
			return nil, err
		}
		return crate.Files(crate.Input{
			Report: r, Runs: runs, Dataset: bench.Data{Name: s.source.Name, Digest: s.source.Digest}, Croissant: about, Key: key,
		})
	}
	if in.Registered != nil {
		ids = append(ids, in.Registered.Plan)
		spec := s.catalogue.PlanSpec(s.plan, s.env)
		plan := registry.EvidencePlan{Plan: in.Registered.Plan, Planned: len(spec.Runs)}
		for _, run := range spec.Runs {
			switch _, _, err := s.reg.Run(ctx, run); {
			case err == nil:
				ids = append(ids, run)
				plan.Finished++
			case !errors.Is(err, registry.ErrNotExist) && s.damage.note(err) != nil:
				return err
			}
		}
		opts.Plans = []registry.EvidencePlan{plan}
	}
	return s.reg.WriteEvidence(ctx, w, ids, opts)
}

// sweeps lists the sweeps with their cells, as far as their usual seeds. No night has any.
func (s *Study) sweeps() (all []judge.SweepInput) {
	if s.opts.Night != (bench.Night{}) {
		return nil
	}
	for _, sweep := range s.catalogue.Sweeps {
		cells := s.catalogue.SweepMatrix(s.tier, sweep, bench.Explored(sweep.Seeds), s.env)
		all = append(all, judge.SweepInput{Sweep: sweep, Seeds: sweep.Seeds, Cells: cells})
	}
	return all
}

// everyCell adds the cells of all sweeps, each run once.
func (s *Study) everyCell(cells []bench.Cell) []bench.Cell {
	for _, sweep := range s.sweeps() {
		cells = union(cells, sweep.Cells)
	}
	return cells
}

// union adds cells, each run once.
func union(cells, more []bench.Cell) []bench.Cell {
	seen := map[string]bool{}
	return slices.DeleteFunc(slices.Concat(cells, more), func(c bench.Cell) bool {
		id := c.Spec.ID()
		again := seen[id]
		seen[id] = true
		return again
	})
}

// picture draws a training image, of which analyses are made, as PNG; nil where the data are not at hand.
func (s *Study) picture(index int) []byte {
	data, err := s.data()
	if err != nil {
		return nil
	}
	pixels := data.Train.Buffer()
	if err := data.Train.Read(index, pixels); err != nil {
		return nil
	}
	picture := image.NewNRGBA(image.Rect(0, 0, data.Width, data.Height))
	for i := range data.Width * data.Height {
		copy(picture.Pix[4*i:], pixels[dataset.Channels*i:][:dataset.Channels])
		picture.Pix[4*i+3] = 0xff
	}
	var out bytes.Buffer
	if err := png.Encode(&out, picture); err != nil {
		panic(err) // a buffer takes everything
	}
	return out.Bytes()
}

// command is how to get the same report again.
func (s *Study) command() string {
	command := fmt.Sprintf("%s verify --tier %s%s", s.opts.Program, s.tier.ID, s.opts.Night.Flags())
	if s.opts.Explore {
		command += " --explore"
	}
	if s.seeds != s.tier.Seeds {
		command += fmt.Sprintf(" --seeds %d", s.seeds)
	}
	for _, claim := range s.opts.Claims {
		command += " --claim " + claim
	}
	return command
}

// versionSuffix is what may follow the store of a side: @ and a version of the method, a backend, or both.
var versionSuffix = regexp.MustCompile(`@((?:v[0-9]+|go|xla)(?:,(?:v[0-9]+|go|xla))*)$`)

// Compare judges the same selection on two sides, each STORE, STORE@VERSION or @VERSION of the Store of the
// options. Errors: NothingError if a side holds no complete run; those of Open; beside a comparison, that of Damage.
func Compare(ctx context.Context, catalogue *bench.Catalogue, o Options, a, b string) (*diff.Comparison, error) {
	var names [2]string
	var damage error
	var reports [2]*model.Report
	for i, arg := range []string{a, b} {
		side, store := o, arg
		if at := versionSuffix.FindStringSubmatchIndex(arg); at != nil {
			store, side.Runs = arg[:at[0]], arg[at[2]:]
		}
		side.Store = cmp.Or(store, o.Store)
		s, err := Open(ctx, catalogue, side)
		if err == nil {
			reports[i], _, err = s.Report(ctx)
			damage = errors.Join(damage, s.Damage())
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", arg, err)
		}
		names[i] = s.reg.String()
		if s.opts.Runs != "" {
			names[i] += "@" + s.opts.Runs
		}
		if reports[i].Tier.RunsPresent == 0 {
			return nil, NothingError(fmt.Sprintf("nothing to compare: %s holds no complete run of these claims in tier %s", names[i], s.tier.ID))
		}
	}
	both, err := diff.Compare(names[0], reports[0], names[1], reports[1])
	return both, errors.Join(err, damage)
}
