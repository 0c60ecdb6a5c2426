package main

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/cidbench/cidbench/cli"
)

// try runs a command of the program.
func try(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	c := &cli.Console{Catalogue: catalogue, Name: "ring", Args: args, Stdout: &out, Stderr: &errs}
	code = c.Run(t.Context())
	return code, out.String(), errs.String()
}

// The claims of this paper are run and judged by the packages that test the other one, and nothing is said of that.
func TestVerify(t *testing.T) {
	verify := []string{"verify", "--tier", "smoke", "--seeds", "3", "--backend", "go", "--store", t.TempDir() + "/store"}
	code, first, progress := try(t, verify...)
	if !slices.Contains([]int{0, 3, 4}, code) || !strings.Contains(progress, "15 of 15 cells are done (0 were there already, 0 failed)") {
		t.Fatalf("exit %d: %s", code, progress)
	}
	again, second, progress := try(t, verify...)
	if again != code || second != first || !strings.Contains(progress, "all 15 cells were there already: nothing to run") {
		t.Errorf("again: exit %d, after %d: %s", again, code, progress)
	}

	code, page, progress := try(t, "report", "--tier", "smoke", "--backend", "go", "--format", "html", "--store", verify[len(verify)-1])
	if code != 0 {
		t.Fatalf("report: exit %d: %s", code, progress)
	}
	foreign := regexp.MustCompile(`(?i)cidbench (verify|run|plan|report|list|analyze)\b|created equal|2010\.06682|hardest 5%`)
	for name, text := range map[string]string{"verify": first, "report": page} {
		flowing := strings.Join(strings.Fields(text), " ") // lines are broken anywhere
		for _, want := range []string{catalogue.Paper.Title, "ring verify --tier smoke --seeds 3", "leaving out the very hardest helps"} {
			if !strings.Contains(flowing, want) {
				t.Errorf("%s does not have %q", name, want)
			}
		}
		if found := foreign.FindString(flowing); found != "" {
			t.Errorf("%s speaks of %q", name, found)
		}
	}
}

func TestList(t *testing.T) {
	code, text, errs := try(t, "list")
	if code != 0 {
		t.Fatalf("exit %d: %s", code, errs)
	}
	for _, want := range []string{"Negatives from a ring of difficulty", "test: ring greater hardest10", "random9", "[keep hardest 10%, then drop hardest 1%]"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if code, _, errs := try(t, "verify", "--claim", "hardest5"); code != 2 || !strings.Contains(errs, "unknown claim \"hardest5\" in tier \"smoke\": `list` shows the claims") {
		t.Errorf("a claim of another paper: exit %d, %s", code, errs)
	}
}
