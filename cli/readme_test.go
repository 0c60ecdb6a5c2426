package cli

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

// Every command that the documents show is one, with flags that it has. What they do is tested where they are.
func TestShownCommands(t *testing.T) {
	files, err := filepath.Glob("../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	readmes, err := filepath.Glob("../deploy/*/README.md")
	if err != nil {
		t.Fatal(err)
	}
	commands := 0
	for _, file := range append(append(files, readmes...), "../README.md") {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			command, ok := strings.CutPrefix(line, "    cidbench ")
			if !ok {
				continue
			}
			command, _, _ = strings.Cut(command, " #")
			command, _, _ = strings.Cut(command, " > ")
			command, _, _ = strings.Cut(command, " | ")
			commands++
			args := strings.Fields(strings.ReplaceAll(command, "'", ""))
			root := newRoot(&app{Console: &Console{Catalogue: other, Name: "cidbench", Stdout: io.Discard, Stderr: io.Discard}})
			c, rest, err := root.Find(args)
			if err != nil || c == root {
				t.Errorf("%s: no such command: cidbench %s", file, command)
				continue
			}
			c.InitDefaultHelpFlag()
			c.Flags().VisitAll(func(f *pflag.Flag) { // files and ids are not looked at
				if f.Name == "tier" {
					f.Value = new(anything)
				}
			})
			if err := c.ParseFlags(rest); err != nil {
				t.Errorf("%s: cidbench %s: %v", file, strings.TrimSpace(command), err)
			}
		}
	}
	if commands < 40 {
		t.Errorf("only %d commands were found", commands)
	}
}

// anything is a flag's value of any text.
type anything struct{}

func (*anything) String() string   { return "" }
func (*anything) Set(string) error { return nil }
func (*anything) Type() string     { return "tier" }
