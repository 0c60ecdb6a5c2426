package cli

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/cidbench/cidbench/report/write"
)

// Lines break between words, keep their columns, and go on indented; a word longer than a line stays whole.
func TestBroken(t *testing.T) {
	path := "/" + strings.Repeat("p", 40)
	for give, want := range map[string]string{
		"":                                "",
		"short":                           "short",
		"exactly twenty runes":            "exactly twenty runes",
		"twenty-one runes in it":          "twenty-one runes in\n    it",
		"a   b    cccccccc    dddddddddd": "a   b    cccccccc\n    dddddddddd",
		"  one two three four five":       "  one two three four\n      five",
		path:                              path,
		"  " + path + " there it lies":    "  " + path + "\n      there it lies",
		"at " + path + " and on":          "at\n    " + path + "\n    and on",
		"µµµµµµµµµµµµµµµ µµµµ": "µµµµµµµµµµµµµµµ µµµµ",
	} {
		if got := broken(give, 20); got != want {
			t.Errorf("%q became %q, want %q", give, got, want)
		}
	}
}

func FuzzBroken(f *testing.F) {
	f.Add("  one two three four five", 20)
	f.Add("                              deep", 10)
	f.Fuzz(func(t *testing.T, line string, width int) {
		line = strings.TrimRight(strings.Join(strings.FieldsFunc(line, func(r rune) bool { return r == '\n' || r == '\r' }), ""), " ")
		if !utf8.ValidString(line) || width < 1 || width > 200 {
			t.Skip()
		}
		got := broken(line, width)
		if strings.Join(strings.Fields(got), " ") != strings.Join(strings.Fields(line), " ") {
			t.Errorf("%q in %d columns has other words: %q", line, width, got)
		}
		for l := range strings.SplitSeq(got, "\n") {
			if utf8.RuneCountInString(l) > width && strings.Contains(strings.TrimLeft(l, " "), " ") {
				t.Errorf("%q in %d columns has the line %q", line, width, l)
			}
		}
	})
}

// What is printed fits a terminal, else what COLUMNS says; colours and drawing are for terminals that have them.
func TestFit(t *testing.T) {
	for name, tc := range map[string]struct {
		env      map[string]string
		terminal bool
		want     write.TextOptions
		progress bool
	}{
		"terminal":           {nil, true, write.TextOptions{Width: 120, Colour: true}, true},
		"without colours":    {map[string]string{"NO_COLOR": "1"}, true, write.TextOptions{Width: 120}, true},
		"empty is not set":   {map[string]string{"NO_COLOR": ""}, true, write.TextOptions{Width: 120, Colour: true}, true},
		"dumb":               {map[string]string{"TERM": "dumb"}, true, write.TextOptions{Width: 120}, false},
		"a terminal's own":   {map[string]string{"COLUMNS": "60"}, true, write.TextOptions{Width: 120, Colour: true}, true},
		"none":               {nil, false, write.TextOptions{}, true},
		"columns":            {map[string]string{"COLUMNS": "60"}, false, write.TextOptions{Width: 60}, true},
		"too few columns":    {map[string]string{"COLUMNS": "3"}, false, write.TextOptions{}, true},
		"no number of these": {map[string]string{"COLUMNS": "wide"}, false, write.TextOptions{}, true},
	} {
		c := &Console{Getenv: func(name string) string { return tc.env[name] }}
		if c.fit(tc.terminal, 120, true); c.Text != tc.want || c.Terminal != tc.progress {
			t.Errorf("%s: %+v, progress on a terminal %v", name, c.Text, c.Terminal)
		}
		if c.fit(tc.terminal, 120, false); c.Terminal {
			t.Errorf("%s: progress is drawn where stderr is no terminal", name)
		}
	}
}

// full is a device that takes nothing.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space left") }

// What cannot be printed is no success, whichever command it is of; other errors stand.
func TestOutputIsWhole(t *testing.T) {
	run := func(ctx context.Context, args string) (int, string) {
		var errs bytes.Buffer
		c := &Console{Catalogue: other, Name: "ring", Args: strings.Fields(args), Stdin: strings.NewReader(""), Stdout: full{}, Stderr: &errs}
		return c.Run(ctx), errs.String()
	}
	for _, args := range []string{"list", "list --json", "help", "run --help", "help exit-codes", "tier show small", "data ls --data-dir " + t.TempDir(), "completion bash", "doctor --store " + t.TempDir()} {
		if code, errs := run(t.Context(), args); code != exitInternal || !strings.Contains(errs, "no space left") {
			t.Errorf("%s: exit %d: %s", args, code, errs)
		}
	}
	if code, errs := run(t.Context(), "registry ls --store "+t.TempDir()+"/none"); code != exitNothing {
		t.Errorf("exit %d: %s", code, errs)
	}
	out := &told{Writer: full{}}
	_, first := io.WriteString(out, "x")
	out.Writer = io.Discard
	if _, err := io.WriteString(out, "x"); err != nil || !errors.Is(out.err, first) {
		t.Errorf("%v is kept, not the first error %v (%v)", out.err, first, err)
	}
}
