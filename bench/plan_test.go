package bench

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cidbench/cidbench/bench/analysis"
	"github.com/cidbench/cidbench/bench/moco"
	"github.com/cidbench/cidbench/registry"
)

// withPlan is the small catalogue with a second claim and a plan.
func withPlan() *Catalogue {
	c := small()
	other := *c.Claims[0]
	other.ID, other.Contrasts = "random", []Contrast{{A: "all", B: "random", Relation: NonInferior, Margin: 0.1}}
	other.Assay = &Contrast{A: "all", B: "hard", Relation: Greater, Margin: 0.1}
	other.Specific = &Contrast{A: "hard", B: "random", Relation: Greater, Margin: 0.1}
	c.Claims = append(c.Claims, &other)
	c.Plans = []*Plan{{
		Tier: "tiny", Primary: []string{"hard"}, Secondary: []string{"random"}, FirstSeed: 100, Looks: []int{2, 3}, Alpha: 0.05, Basis: "a guess",
	}}
	return c
}

func TestPlanValidation(t *testing.T) {
	if err := withPlan().Validate(); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		spoil func(*Catalogue, *Plan)
		want  string
	}{
		"unknown tier":    {func(_ *Catalogue, p *Plan) { p.Tier = "huge" }, `tier "huge" is unknown`},
		"no primary":      {func(_ *Catalogue, p *Plan) { p.Primary = nil }, "primary claims, basis and alpha must be given"},
		"no basis":        {func(_ *Catalogue, p *Plan) { p.Basis = "" }, "primary claims, basis and alpha must be given"},
		"no alpha":        {func(_ *Catalogue, p *Plan) { p.Alpha = 0 }, "primary claims, basis and alpha must be given"},
		"half an alpha":   {func(_ *Catalogue, p *Plan) { p.Alpha = 0.5 }, "primary claims, basis and alpha must be given"},
		"no looks":        {func(_ *Catalogue, p *Plan) { p.Looks = nil }, "looks must rise, from 2 seeds on"},
		"one seed":        {func(_ *Catalogue, p *Plan) { p.Looks = []int{1, 3} }, "looks must rise, from 2 seeds on"},
		"falling looks":   {func(_ *Catalogue, p *Plan) { p.Looks = []int{3, 2} }, "looks must rise, from 2 seeds on"},
		"a look twice":    {func(_ *Catalogue, p *Plan) { p.Looks = []int{2, 2} }, "looks must rise, from 2 seeds on"},
		"unknown claim":   {func(_ *Catalogue, p *Plan) { p.Secondary = []string{"nosuch"} }, `claim "nosuch" is unknown`},
		"a claim twice":   {func(_ *Catalogue, p *Plan) { p.Secondary = p.Primary }, `claim "hard" stands in it twice`},
		"another tier's":  {func(c *Catalogue, _ *Plan) { c.Claims[0].Tiers = []string{"huge"} }, `claim "hard" is not tested in the tier`},
		"not testable":    {func(c *Catalogue, _ *Plan) { c.Tiers[0].NotTestable = map[string]string{"hard": "no"} }, `claim "hard" is not tested in the tier`},
		"a trend":         {func(c *Catalogue, _ *Plan) { c.Claims[0].Trends = []Trend{{Margin: 0.5}} }, `claim "hard" rests on a sweep, whose seeds are not the plan's`},
		"too few seeds":   {func(c *Catalogue, _ *Plan) { c.Claims[0].MinSeeds = 3 }, `claim "hard" asks for 3 seeds, and the first look has 2`},
		"explored before": {func(_ *Catalogue, p *Plan) { p.FirstSeed = 1 }, "the seeds from 1 on are used to explore"},
	} {
		c := withPlan()
		tc.spoil(c, c.Plans[0])
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v, want %s", name, err, tc.want)
		}
	}
	c := withPlan()
	c.Plans[0].FirstSeed = 2 // the first that no one explores
	if err := c.Validate(); err != nil {
		t.Error(err)
	}
	c.Plans = append(c.Plans, c.Plans[0])
	if c.Validate() == nil {
		t.Error("a tier may have two plans")
	}
}

func TestPlanRolesAndSeeds(t *testing.T) {
	p := &Plan{Primary: []string{"a", "b"}, Secondary: []string{"c", "d", "e", "f"}, FirstSeed: 100, Looks: []int{5, 8}, Alpha: 0.05}
	for id, want := range map[string]Role{"a": Primary, "b": Primary, "f": Secondary, "g": Exploratory} {
		if got := p.Role(id); got != want {
			t.Errorf("%s is %s, want %s", id, got, want)
		}
	}
	if none := (*Plan)(nil); none.Role("a") != Exploratory {
		t.Error("without a plan a claim is more than exploratory")
	}
	if p.Share("a") != 0.025 || p.Share("e") != 0.0125 {
		t.Errorf("shares %v and %v", p.Share("a"), p.Share("e"))
	}
	if at := p.SeedsAt(0); at != (Seeds{100, 5}) || p.LastSeeds() != (Seeds{100, 8}) || !slices.Equal(at.All(), []uint64{100, 101, 102, 103, 104}) {
		t.Errorf("seeds %v, last %v", at.All(), p.LastSeeds())
	}
	if Explored(0).All() != nil || !slices.Equal(Explored(2).All(), []uint64{0, 1}) {
		t.Errorf("%v", Explored(2).All())
	}
}

// TestPlanSpec: a plan's record has another id for all that verdicts depend on, and the same for words.
func TestPlanSpec(t *testing.T) {
	spec := func(change func(*Catalogue)) PlanSpec {
		c := withPlan()
		change(c)
		return c.PlanSpec(c.Plans[0], Environment{Backend: "go"})
	}
	plan := spec(func(*Catalogue) {})
	for name, change := range map[string]func(*Catalogue){
		"margin":      func(c *Catalogue) { c.Claims[0].Contrasts[0].Margin = 0.2 },
		"assay":       func(c *Catalogue) { c.Claims[1].Assay.Margin = 0.2 },
		"specific":    func(c *Catalogue) { c.Claims[1].Specific.Margin = 0.2 },
		"relation":    func(c *Catalogue) { c.Claims[1].Contrasts[0].Relation = Equivalent },
		"observation": func(c *Catalogue) { observe(c, Observation{Arm: "all", Statistic: analysis.SameClassAUC}) },
		"roles": func(c *Catalogue) {
			c.Plans[0].Primary, c.Plans[0].Secondary = c.Plans[0].Secondary, c.Plans[0].Primary
		},
		"look":            func(c *Catalogue) { c.Plans[0].Looks = []int{2, 3, 4} },
		"an earlier look": func(c *Catalogue) { c.Plans[0].Looks = []int{3} },
		"seed":            func(c *Catalogue) { c.Plans[0].FirstSeed = 101 },
		"alpha":           func(c *Catalogue) { c.Plans[0].Alpha = 0.01 },
		"gain":            func(c *Catalogue) { c.Gain.Over = "pixels" },
		"analysis":        func(c *Catalogue) { c.Tiers[0].Analysis.Draws = 29 },
		"rule":            func(c *Catalogue) { c.Arms[1].Rules[0].Fraction = 0.2 },
		"training": func(c *Catalogue) {
			train := c.Tiers[0].Train.(moco.Config)
			train.LearningRate = 0.06
			c.Tiers[0].Train = train
		},
		"temperature": func(c *Catalogue) { c.Claims[0].Temperature = 0.07 },
		"probe":       func(c *Catalogue) { c.Tiers[0].Probe.Iterations = 6 },
		"data":        func(c *Catalogue) { c.Datasets[0].Digest = "sha256:0" },
	} {
		if spec(change).ID() == plan.ID() {
			t.Errorf("another %s is the same plan", name)
		}
	}
	for name, change := range map[string]func(*Catalogue){
		"statement": func(c *Catalogue) { c.Claims[0].Statement, c.Claims[0].Target = "another", "other" },
		"basis":     func(c *Catalogue) { c.Plans[0].Basis = "better words" },
		"title":     func(c *Catalogue) { c.Arms[1].Title, c.Tiers[0].Caveat = "harder", "none" },
		"control":   func(c *Catalogue) { c.Claims[0].Controls = nil },
		"exploration": func(c *Catalogue) {
			c.Tiers[0].Seeds = 3
			c.Claims = append(c.Claims, AtTemperature(0.07, c.Claims[:1])...)
		},
	} {
		if spec(change).ID() != plan.ID() {
			t.Errorf("another %s is another plan", name)
		}
	}
	if s, err := ReadKey(plan.Key()); err != nil || !s.IsPlan() || s.IsAnalysis() {
		t.Errorf("%+v, %v", s, err)
	}
	// Three seeds of all, hard, random and untrained, and pixels once.
	if len(plan.Runs) != 13 || plan.Claims[0].Role != Primary || plan.Claims[1].Role != Secondary {
		t.Errorf("%d runs, claims %+v", len(plan.Runs), plan.Claims)
	}
}

// TestRegister: a plan is registered once; registered again, the first time stands.
func TestRegister(t *testing.T) {
	r := runner(t, t.TempDir())
	c := withPlan()
	plan := c.PlanSpec(c.Plans[0], Environment{Backend: "go"})
	if _, err := Registered(t.Context(), r.Registry, plan); !errors.Is(err, registry.ErrNotExist) {
		t.Errorf("before: %v", err)
	}
	before := time.Now().Truncate(time.Millisecond)
	first, err := r.Register(t.Context(), plan, "a guess")
	if err != nil || first.Plan != plan.ID() || first.Manifest == "" || first.At.Before(before) || first.At.After(time.Now()) {
		t.Fatalf("%+v, %v", first, err)
	}
	time.Sleep(2 * time.Millisecond)
	again, err := r.Register(t.Context(), plan, "a better guess")
	if err != nil || again != first {
		t.Errorf("registered again: %+v, was %+v, %v", again, first, err)
	}
	c.Plans[0].Looks = []int{2, 4}
	if _, err := Registered(t.Context(), r.Registry, c.PlanSpec(c.Plans[0], Environment{Backend: "go"})); !errors.Is(err, registry.ErrNotExist) {
		t.Errorf("another plan: %v", err)
	}
	problems, err := r.Registry.Check(t.Context(), registry.CheckOptions{ReadData: true})
	if err != nil || len(problems) > 0 {
		t.Errorf("check: %v, %v", problems, err)
	}
}
