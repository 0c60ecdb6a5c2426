package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestTour types docs/tour.md into a fresh clone, as its console blocks have it: after each command but builds come lines of
// its standard output, in their order, and its exit code where that is not 0.
func TestTour(t *testing.T) {
	if testing.Short() {
		t.Skip("a fresh clone is built, and the smoke tier trained in it: a minute or two")
	}
	if exec.Command("git", "-C", "../..", "rev-parse", "HEAD").Run() != nil {
		t.Skip("no git repository to clone")
	}
	clone := filepath.Join(t.TempDir(), "cidbench")
	if out, err := exec.Command("git", "clone", "-q", "--depth=1", "file://"+absolute(t, "../.."), clone).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if err := drawPictures(filepath.Join(clone, "pictures"), 30, "bus", "cat", "dog", "train"); err != nil {
		t.Fatal(err)
	}
	tour, err := os.ReadFile(filepath.Join(clone, "docs", "tour.md"))
	if err != nil {
		t.Fatal(err)
	}
	steps := typed(string(tour))
	if len(steps) < 10 {
		t.Fatalf("%d commands in docs/tour.md", len(steps))
	}
	environment := append(os.Environ(), "CIDBENCH_STORE=", "CIDBENCH_DATA="+t.TempDir(), "PJRT_PLUGIN_LIBRARY_PATH="+t.TempDir())
	given := ""
	for _, s := range steps {
		if len(s.lines) == 0 && !strings.HasPrefix(s.command, "make ") && !strings.Contains(s.command, "=$(") {
			t.Errorf("docs/tour.md does not say what comes of %s", s.command)
		}
		if strings.Contains(strings.SplitN(s.command, " ", 2)[0], "=$(") { // for the commands after it
			given += s.command + "\n"
			continue
		}
		c := exec.CommandContext(t.Context(), "bash", "-euc", given+s.command)
		var out, errs bytes.Buffer
		c.Dir, c.Env, c.Stdout, c.Stderr = clone, environment, &out, &errs
		err := c.Run()
		if c.ProcessState == nil || c.ProcessState.ExitCode() != s.exit {
			t.Fatalf("%s: %v, want exit code %d\n%s%s", s.command, err, s.exit, &out, &errs)
		}
		rest := out.String()
		for _, line := range s.lines {
			at := like(line).FindStringIndex(rest)
			if at == nil {
				t.Errorf("%s\nno line like %q in what is left of its output:\n%s", s.command, line, rest)
				break
			}
			rest = rest[at[1]:]
		}
	}
}

func absolute(t *testing.T, path string) string {
	t.Helper()
	path, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// step is a command with what comes of it.
type step struct {
	command string
	lines   []string
	exit    int
}

func typed(tour string) (steps []step) {
	inside := false
	for line := range strings.Lines(tour) {
		line = strings.TrimRight(line, "\n")
		command, isCommand := strings.CutPrefix(line, "$ ")
		switch {
		case strings.HasPrefix(line, "```"):
			inside = line == "```console"
		case !inside:
		case isCommand:
			steps = append(steps, step{command: command})
		default:
			last := &steps[len(steps)-1]
			if n, err := fmt.Sscanf(line, "exit %d", &last.exit); n != 1 || err != nil {
				last.lines = append(last.lines, line)
			}
		}
	}
	return steps
}

// like is a whole line in which … stands for anything.
func like(line string) *regexp.Regexp {
	return regexp.MustCompile("(?m)^" + strings.ReplaceAll(regexp.QuoteMeta(line), "…", ".*") + "$")
}
