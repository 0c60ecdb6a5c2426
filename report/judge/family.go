package judge

import (
	"fmt"

	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/report/stats"
)

// correct adjusts the evidence of all claims of a look for the number of those at the same temperature.
// Temperatures are families of their own: the tier's is the paper's setting, and testing whether a claim also
// holds at another must not make that verdict harder.
func correct(claims []model.Claim, raw []stats.Evidence) ([]stats.Evidence, error) {
	families := map[float64][]int{}
	for i, c := range claims {
		families[c.Temperature] = append(families[c.Temperature], i)
	}
	corrected := make([]stats.Evidence, len(raw))
	for _, members := range families {
		var family []stats.Evidence
		for _, i := range members {
			family = append(family, raw[i])
		}
		adjusted, err := stats.AdjustFamily(family)
		if err != nil {
			return nil, fmt.Errorf("report: %w", err)
		}
		for j, i := range members {
			corrected[i], claims[i].FamilySize = adjusted[j], len(members)
		}
	}
	return corrected, nil
}

func pValues(e stats.Evidence) model.PValues {
	return model.PValues{Support: e.PSupport, Refute: e.PRefute}
}

// combine turns the evidence on contrasts into evidence on the claim that all of them hold.
//
// That claim is false if any contrast fails, so its support must reject every one of these nulls: the
// intersection-union test (Berger, Technometrics 1982), whose p value is the largest, with no
// correction. It is refuted by showing one contrast to fail, and which one is chosen after looking:
// m times the smallest p value (Bonferroni, which is Holm's first step). A contrast that may not be judged
// keeps its place with p values of 1.
func combine(contrasts []model.Contrast) stats.Evidence {
	e := stats.Evidence{PSupport: 0, PRefute: 1}
	for _, x := range contrasts {
		p := model.PValues{Support: 1, Refute: 1}
		if x.P != nil {
			p = *x.P
		}
		e.PSupport = max(e.PSupport, p.Support)
		e.PRefute = min(e.PRefute, p.Refute)
	}
	e.PRefute = min(1, float64(len(contrasts))*e.PRefute)
	return e
}
