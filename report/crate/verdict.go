package crate

import (
	"fmt"

	"github.com/cidbench/cidbench/registry"
	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/report/stats"
	"github.com/cidbench/cidbench/report/words"
)

const testResultType = "https://in-toto.io/attestation/test-result/v0.1"

// testResult is in-toto's predicate of that name. The tests of a claim are its contrasts.
type testResult struct {
	Result        string       `json:"result"`
	Configuration []descriptor `json:"configuration"`
	Passed        []string     `json:"passedTests"`
	Warned        []string     `json:"warnedTests"`
	Failed        []string     `json:"failedTests"`
}

// A descriptor is in-toto's ResourceDescriptor.
type descriptor struct {
	Name        string            `json:"name"`
	URI         string            `json:"uri,omitempty"`
	Digest      map[string]string `json:"digest,omitempty"`
	Annotations map[string]any    `json:"annotations,omitempty"`
}

// outcome is a verdict in the words of in-toto: what is neither supported nor refuted is a warning.
func outcome(v stats.Verdict) string {
	switch v {
	case stats.Supported:
		return "PASSED"
	case stats.Refuted:
		return "FAILED"
	}
	return "WARNED"
}

// verdict is the statement about the runs that a claim's verdict rests on, by the digests of their manifests. A run that
// is not in the evidence is an error.
func (in Input) verdict(c *model.Claim) (registry.Statement, error) {
	s := registry.Statement{PredicateType: testResultType}
	for _, ref := range c.Runs {
		run := in.run(ref.Run)
		if run == nil || run.Stored.Digest != ref.Manifest {
			return s, fmt.Errorf("claim %s rests on run %s, which is not in the evidence", c.ID, ref.Run)
		}
		s.Subject = append(s.Subject, registry.SubjectOf(run.Stored.Name, ref.Manifest))
	}
	result := testResult{
		Result: outcome(c.Verdict), Passed: []string{}, Warned: []string{}, Failed: []string{},
		Configuration: []descriptor{{
			Name: "claim " + c.ID, URI: in.Report.Paper.Link,
			Annotations: map[string]any{
				"statement": c.Statement, "verdict": c.Verdict, "reason": c.Reason, "reproduce": c.Reproduce,
				"pHolds": c.P.Support, "pFails": c.P.Refute, "alpha": c.Alpha, "confirms": c.Confirms(),
				"tier": in.Report.Tier.ID, "caveat": words.Caveat(in.Report.Tier),
			},
		}},
	}
	if p := in.Report.Plan; p != nil && p.Manifest != "" {
		if run := in.run(p.ID); run != nil {
			result.Configuration = append(result.Configuration, descriptor{
				Name: "plan " + p.ID, URI: run.Stored.Name, Digest: registry.SubjectOf("", p.Manifest).Digest,
			})
		}
	}
	for _, x := range c.Contrasts {
		name := words.Name(x) + ": " + words.Asks(x)
		switch x.Alone {
		case stats.Supported:
			result.Passed = append(result.Passed, name)
		case stats.Refuted:
			result.Failed = append(result.Failed, name)
		default:
			result.Warned = append(result.Warned, name)
		}
	}
	s.Predicate = result
	return s, nil
}
