package judge

import (
	"cmp"
	"slices"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/report/stats"
)

// leads sets the arms that matter most beside each other at each temperature at which two or more of them share seeds.
func leads(r *model.Report) (all []model.Lead) {
	ids := leading(r)
	var temperatures []float64
	for _, a := range r.Arms {
		if a.Features == bench.Trained && !slices.Contains(temperatures, a.Temperature) {
			temperatures = append(temperatures, a.Temperature)
		}
	}
	for _, temperature := range temperatures {
		arms := slices.DeleteFunc(slices.Clone(r.Arms), func(a model.Arm) bool {
			return a.Temperature != temperature || a.N == 0 || !slices.Contains(ids, a.ID)
		})
		if len(arms) < 2 {
			continue
		}
		l := model.Lead{Temperature: temperature, Seeds: shared(r, arms)}
		for _, a := range arms {
			out := model.LeadArm{ID: a.ID}
			for _, seed := range l.Seeds {
				out.Accuracies = append(out.Accuracies, *accuracy(a, seed))
			}
			mean, err := stats.Mean(out.Accuracies)
			if err != nil {
				break // they share no seed
			}
			out.Mean = mean
			l.Arms = append(l.Arms, out)
		}
		if len(l.Arms) > 0 {
			slices.SortStableFunc(l.Arms, func(a, b model.LeadArm) int { return cmp.Compare(b.Mean, a.Mean) })
			all = append(all, l)
		}
	}
	return all
}

// leading are the arms that the primary claims compare, or without a plan those of the first claim.
func leading(r *model.Report) (ids []string) {
	for i, c := range r.Claims {
		if c.Role != bench.Primary && (r.Plan != nil || i > 0) {
			continue
		}
		of := c.AccuracyContrasts()
		for _, x := range []*model.Contrast{c.Assay, c.Specific} {
			if x != nil {
				of = append(of, *x)
			}
		}
		for _, x := range of {
			ids = append(ids, x.A, x.B)
		}
	}
	return ids
}

// shared are the seeds at which all arms were run: those of the plan if there are any.
func shared(r *model.Report, arms []model.Arm) (seeds []uint64) {
	for _, run := range arms[0].Runs {
		if !slices.ContainsFunc(arms, func(a model.Arm) bool { return accuracy(a, run.Seed) == nil }) {
			seeds = append(seeds, run.Seed)
		}
	}
	slices.Sort(seeds)
	if r.Plan != nil {
		if i, _ := slices.BinarySearch(seeds, r.Plan.FirstSeed); i < len(seeds) {
			return seeds[i:]
		}
	}
	return seeds
}

// accuracy of an arm at a seed, nil if it was not run.
func accuracy(a model.Arm, seed uint64) *float64 {
	i := slices.IndexFunc(a.Runs, func(row model.RunRow) bool { return row.Seed == seed })
	if i < 0 {
		return nil
	}
	return a.Runs[i].Linear
}
