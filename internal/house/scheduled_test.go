package house

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// scheduled is the workflow of what .ci/run has no time for.
const scheduled = ".github/workflows/engines.yml"

// A workflow is what the test reads of one.
type workflow struct {
	On struct {
		Schedule []struct{ Cron string }
	}
	Jobs map[string]struct {
		Minutes int `yaml:"timeout-minutes"`
		Steps   []struct{ Run string }
	}
}

// TestEnginesAreScheduled: what skips itself unless it is asked for is run on a schedule, and .ci/run says at its end that it
// does not.
func TestEnginesAreScheduled(t *testing.T) {
	ci, err := os.ReadFile(filepath.Join(root, ".ci", "run"))
	if err != nil {
		t.Fatal(err)
	}
	sections := strings.Split(string(ci), "\necho \"== ")
	if last := sections[len(sections)-1]; !strings.HasPrefix(last, "engines\"\n") || !strings.Contains(last, "NOT RUN here") || !strings.Contains(last, scheduled) {
		t.Errorf(".ci/run ends with %q, want the section on engines, which names %s", last, scheduled)
	}
	text, err := os.ReadFile(filepath.Join(root, scheduled))
	if err != nil {
		t.Fatal(err)
	}
	var w workflow
	if err := yaml.Unmarshal(text, &w); err != nil {
		t.Fatalf("%s: %v", scheduled, err)
	}
	if len(w.On.Schedule) == 0 || w.On.Schedule[0].Cron == "" {
		t.Errorf("%s has no schedule", scheduled)
	}
	const limit = 90 // minutes, which make test-engines gives a package
	for _, want := range []string{"make test-engines", "make simulate", "make rates", "make test-peer", "./registry/s3"} {
		found := false
		for name, job := range w.Jobs {
			for _, step := range job.Steps {
				if !strings.Contains(step.Run, want) {
					continue
				}
				found = true
				if job.Minutes <= limit {
					t.Errorf("%s: job %s ends %s after %d minutes", scheduled, name, want, job.Minutes)
				}
			}
		}
		if !found {
			t.Errorf("%s does not run %s", scheduled, want)
		}
	}
}
