package cli

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/spf13/cobra"
)

// Help is read in a terminal of 80 columns.
func TestHelpFits(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", "/c") // stands in the default of a flag
	pages := 0
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		var out bytes.Buffer
		c.SetOut(&out)
		if err := c.Help(); err != nil {
			t.Fatal(err)
		}
		pages++
		for line := range strings.SplitSeq(out.String(), "\n") {
			if n := utf8.RuneCountInString(line); n > columns {
				t.Errorf("%s --help has a line of %d characters: %s", c.CommandPath(), n, line)
			}
		}
		for _, sub := range c.Commands() {
			if sub.Name() != "completion" && sub.Name() != "help" { // cobra's own
				walk(sub)
			}
		}
	}
	walk(newRoot(&app{Console: &Console{Catalogue: other, Name: "cidbench", Stdout: new(bytes.Buffer), Stderr: new(bytes.Buffer)}}))
	if pages < 20 {
		t.Errorf("only %d pages were looked at", pages)
	}
}

// Paragraphs are filled; what is indented stays, and so does what comes after it in its paragraph.
func TestFilled(t *testing.T) {
	word := strings.Repeat("x", 50)
	for give, want := range map[string]string{
		"one\ntwo\n\nthree\n":      "one two\n\nthree",
		word + " " + word:          word + "\n" + word,
		"such as\n    a: b\n    c": "such as\n    a: b\n    c",
		"":                         "",
	} {
		if got := filled(give); got != want {
			t.Errorf("%q became %q", give, got)
		}
	}
}
