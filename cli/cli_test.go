package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/bench/analysis"
	"github.com/cidbench/cidbench/bench/augment"
	"github.com/cidbench/cidbench/bench/dataset"
	"github.com/cidbench/cidbench/bench/encoder"
	"github.com/cidbench/cidbench/bench/moco"
	"github.com/cidbench/cidbench/bench/nn"
	"github.com/cidbench/cidbench/bench/probe"
	"github.com/cidbench/cidbench/registry"
	"github.com/cidbench/cidbench/study"
)

// other is the catalogue of another paper.
var other = &bench.Catalogue{
	Paper: bench.Paper{Title: "On rings", Authors: "Doe, Roe", Link: "https://example.org", Summary: "It draws rings."},
	Arms:  []*bench.Arm{{ID: "round", Title: "rings", Features: bench.Trained}},
	Claims: []*bench.Claim{{
		ID: "roundness", Thesis: "roundness", Statement: "Rings are round.", Target: "round", Source: bench.Source{Where: "nowhere", Ours: "all"},
		Observations: []bench.Observation{{Arm: "round", Statistic: analysis.SameClassAUC}}, MinSeeds: 3,
	}},
	Datasets: []*dataset.Source{{Name: "dots", From: "nowhere", Digest: "sha256:d0", Tree: dataset.GlyphTree, Read: dataset.Glyphs(100, 100)}},
	Tiers: []*bench.Tier{{
		ID: "small", Title: "few rings", Caveat: "Small.", Dataset: "dots", Seeds: 3, Checkpoints: []float64{1},
		Train: moco.Config{
			Encoder: encoder.Config{Size: 32, Stem: []int{4}, Stages: []encoder.Stage{{Blocks: 1, Width: 2, Out: 4, Stride: 2}}, Hidden: 4, Dim: 4},
			Augment: augment.Config{MinArea: 1}, Steps: 4, Batch: 8, Queue: 16, Temperature: 0.2, NormGroups: 1, SGD: nn.SGD{LearningRate: 0.1},
		},
		Probe: probe.Protocol{L2: 0.1, Iterations: 2, Ridge: 0.1, Neighbours: 2}, BandEvery: 1,
		Analysis: analysis.Protocol{Queries: 10, Tail: 0.05, Draws: 19, Resamples: 19},
	}},
}

// trainedDots is a data set of which other's tier can train, with its digest.
func trainedDots() (read func(string) (dataset.Images, error), digest string) {
	return dataset.Glyphs(200, 100), "sha256:8643818344136cc1a700a07eb9b2a5d2a26a805cb85caf67a1b63f8231d5d767"
}

// A catalogue that is not valid ends the program before it does anything.
func TestInvalidCatalogue(t *testing.T) {
	var errs bytes.Buffer
	c := &Console{Catalogue: &bench.Catalogue{Tiers: []*bench.Tier{{ID: "small"}}}, Args: []string{"list"}, Stdout: &errs, Stderr: &errs}
	if code := c.Run(t.Context()); code != exitInternal || !strings.Contains(errs.String(), "no training method") {
		t.Errorf("exit %d: %s", code, &errs)
	}
}

// try runs a command of a program called ring.
func try(ctx context.Context, args ...string) (code int, stdout, stderr string) {
	return tryOn(ctx, other, args...)
}

func tryOn(ctx context.Context, catalogue *bench.Catalogue, args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	c := &Console{Catalogue: catalogue, Name: "ring", Args: args, Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs}
	code = c.Run(ctx)
	return code, out.String(), errs.String()
}

// The program of another paper speaks of that one, and by its own name.
func TestAnotherPaper(t *testing.T) {
	code, text, _ := try(t.Context(), "list")
	if code != 0 || !strings.Contains(text, "roundness") || !strings.Contains(text, "Rings are round.") || !strings.Contains(text, "few rings") {
		t.Errorf("list: exit %d, %s", code, text)
	}
	if _, text, _ = try(t.Context(), "--help"); !strings.Contains(strings.Join(strings.Fields(text), " "), `ring tests the claims of "On rings" (Doe, Roe; https://example.org). It draws rings.`) {
		t.Errorf("help: %s", text)
	}
	foreign := regexp.MustCompile(`cidbench [a-z]|hardest|MoCo`)
	for _, command := range []string{"", "list", "plan", "run", "verify", "analyze", "report", "status", "registry", "registry get", "registry sign", "registry copy"} {
		code, text, errs := try(t.Context(), append(strings.Fields(command), "--help")...)
		if code != 0 || foreign.MatchString(text) {
			t.Errorf("%s --help: exit %d, speaks of %q\n%s", command, code, foreign.FindString(text), errs)
		}
	}
	if code, _, errs := try(t.Context(), "status", "--tier", "nosuch"); code != 2 || errs != "ring: unknown tier \"nosuch\": choose one of small\n" {
		t.Errorf("exit %d, %s", code, errs)
	}
}

// What a command is told to write where it may be published has no places in it.
func TestCommandWithoutPlaces(t *testing.T) {
	c := &Console{Name: "ring", Args: []string{"run", "--store", "/secret", "--seeds", "2", "--store=/secret", "--base", "/secret", "--base=/secret", "--evidence", "/secret"}}
	if got := strings.Join(c.command(), " "); got != "ring run --seeds 2" {
		t.Errorf("got %q", got)
	}
}

// What stands in a URL in place of a secret is nowhere printed, be it in help, output or errors.
func TestSecretsAreNotPrinted(t *testing.T) {
	for _, url := range []string{"s3://SECRET@bucket/p", "s3://me:SECRET@bucket/p", "s3://bucket/p?SECRET=", "s3://bucket/p?key=SECRET", "ftp://SECRET@host", "file://%SECRET"} {
		for _, args := range []string{"status", "status --help", "registry ls", "registry check --help", "run", "doctor --help", "registry copy " + url + " x", "registry copy x " + url, "registry repair --from " + url} {
			var out bytes.Buffer
			c := &Console{
				Catalogue: other, Name: "ring", Args: strings.Fields(args), Stdin: strings.NewReader(""), Stdout: &out, Stderr: &out,
				Getenv: func(name string) string { return map[string]string{storeEnv: url}[name] },
			}
			if c.Run(t.Context()); strings.Contains(out.String(), "SECRET") || out.Len() == 0 {
				t.Errorf("%s of %s prints %s", args, url, &out)
			}
		}
	}
}

// Nor is what stands in the address of a mirror.
func TestMirrorsAreNotPrinted(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	catalogue := *other
	catalogue.Datasets = []*dataset.Source{other.Datasets[0], {
		Name: "rings", From: "nowhere", Digest: "sha256:d1", Tree: dataset.GlyphTree, Read: dataset.Glyphs(100, 100),
		Import: &dataset.Import{URL: server.URL, Digest: "sha256:" + strings.Repeat("0", 64)},
	}}
	for _, mirror := range []string{
		strings.Replace(server.URL, "//", "//me:SECRET@", 1) + "/x?token=SECRET", "ftp://me:SECRET@host/x?token=SECRET", "https://%zzSECRET",
	} {
		code, out, errs := tryOn(t.Context(), &catalogue, "data", "fetch", "rings", "--data-dir", t.TempDir(), "--mirror", mirror)
		if code != exitUnavailable || strings.Contains(out+errs, "SECRET") {
			t.Errorf("%s: exit %d, %s%s", mirror, code, out, errs)
		}
	}
}

// A command that is stopped says so by its code, whatever it was at.
func TestStopped(t *testing.T) {
	store := t.TempDir() + "/store"
	if _, err := registry.Open(t.Context(), store); err != nil {
		t.Fatal(err)
	}
	for cause, code := range map[error]int{errInterrupted: exitInterrupted, errTerminated: exitTerminated} {
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(cause)
		for _, command := range []string{
			"ls", "show 00000000000000000000000000000000", "get 00000000000000000000000000000000 series", "check", "gc", "export", "import -",
		} {
			got, _, errs := try(ctx, append(append([]string{"registry"}, strings.Fields(command)...), "--store", store)...)
			if got != code || !strings.Contains(errs, cause.Error()) {
				t.Errorf("registry %s: exit %d, want %d: %s", command, got, code, errs)
			}
		}
		if got, _, errs := try(ctx, "registry", "copy", store, t.TempDir()+"/to"); got != code {
			t.Errorf("registry copy: exit %d, want %d: %s", got, code, errs)
		}
	}
}

func TestExitCode(t *testing.T) {
	for _, tc := range []struct {
		err  error
		want int
	}{
		{nil, 0},
		{errors.New("odd"), 1},
		{usagef("%w", registry.ErrCorrupt), 2},
		{study.NothingError("nothing"), 5},
		{registry.ErrNotExist, 5},
		{fs.ErrNotExist, 5},
		{registry.ErrCorrupt, 6},
		{registry.ErrConflict, 6},
		{registry.ErrUnavailable, 7},
		{errTerminated, 75},
		{errInterrupted, 130},
	} {
		if tc.err != nil {
			tc.err = fmt.Errorf("within: %w", tc.err)
		}
		if got := exitCode(tc.err); got != tc.want {
			t.Errorf("%v: exit %d, want %d", tc.err, got, tc.want)
		}
	}
	if !errors.Is(usagef("stopped: %w", context.Canceled), context.Canceled) {
		t.Error("a usage error hides its cause")
	}
}
