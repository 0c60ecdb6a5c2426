package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cidbench/cidbench/cli"
	"github.com/cidbench/cidbench/experiments"
)

// elsewhere are commands of the README that neither TestReadmeCommands nor a script runs: the file of the test that does, and
// what stands in it.
var elsewhere = map[string][2]string{
	"run --look 1":                         {"../../cli/reproduce_test.go", "run --look 1"},
	"run --explore --seeds 3":              {"../../cli/reproduce_test.go", "run --explore --seeds 3"},
	"reproduce --evidence F":               {"../../cli/reproduce_test.go", `"reproduce"`},
	"run --tier gpu --night 2026-11-30":    {"../../cli/drift_test.go", "run --night %s"},
	"drift --tier gpu --night 2026-11-30":  {"../../cli/drift_test.go", "drift --night %s"},
	"drift":                                {"../../cli/drift_test.go", `"drift"`},
	"verify --tier gpu --backend xla:cuda": {"testdata/script/backends.txtar", "verify --tier gpu --backend xla:cuda"}, // and no GPU
	"backend install cpu":                  {"testdata/script/backends.txtar", "backend install cpu"},                  // and no consent
}

// TestReadmeCommands runs the commands of the README that need no training, on the shipped evidence. Of all others a script
// has one with the same flags, or elsewhere says where they are run.
func TestReadmeCommands(t *testing.T) {
	t.Setenv("PJRT_PLUGIN_LIBRARY_PATH", t.TempDir())
	scripted := scripts(t)
	commands := shown(t, "../../README.md")
	if len(commands) < 40 {
		t.Errorf("README.md shows %d commands", len(commands))
	}
	for _, command := range commands {
		switch args, codes := onEvidence(t, command); {
		case args != nil:
			var out, errs bytes.Buffer
			c := &cli.Console{Catalogue: experiments.All, Args: args, Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs}
			if code := c.Run(t.Context()); !slices.Contains(codes, code) || out.Len() == 0 {
				t.Errorf("cidbench %s: exit %d, want one of %v: %s", command, code, codes, &errs)
			}
		case elsewhere[command][0] != "":
			text, err := os.ReadFile(elsewhere[command][0])
			if err != nil || !strings.Contains(string(text), elsewhere[command][1]) {
				t.Errorf("cidbench %s: %s has no %s (%v)", command, elsewhere[command][0], elsewhere[command][1], err)
			}
		default:
			name, flags := parsed(command)
			if !slices.ContainsFunc(scripted, func(other string) bool {
				is, has := parsed(other)
				return is == name && !slices.ContainsFunc(flags, func(f string) bool { return !slices.Contains(has, f) })
			}) {
				t.Errorf("no test runs cidbench %s: add it to a script, or to elsewhere", command)
			}
		}
	}
}

// onEvidence are the arguments of a command of the README that trains nothing where the evidence is there, and the codes that
// it may end with; none for other commands.
func onEvidence(t *testing.T, command string) (args []string, codes []int) {
	args = strings.Fields(strings.ReplaceAll(command, "'", ""))
	for i, arg := range args {
		if strings.HasSuffix(arg, results) {
			args[i] = results
		}
	}
	above := append(slices.Clone(args), "--store", filepath.Join(t.TempDir(), "store"), "--base", results)
	switch {
	case args[0] == "list", args[0] == "tier":
		return args, []int{0}
	case args[0] == "data" && args[1] == "ls":
		return append(args, "--data-dir", t.TempDir()), []int{0}
	case slices.Contains(args, "--no-run"):
		return args, []int{0, 3, 4}
	case args[0] == "plan":
		return above, []int{0}
	case args[0] == "verify" && args[1] == "--claim":
		return above, []int{0, 3, 4}
	case args[0] == "show", args[0] == "status" && len(args) == 1:
		return append(args, "--store", results), []int{0}
	case slices.Contains(args, "--compare"):
		return append(args[:len(args)-2], results, results), []int{0}
	}
	return nil, nil
}

// TestShownIDs: the claims, arms, sweeps and tiers of the commands that documents show are those of the catalogue.
func TestShownIDs(t *testing.T) {
	files := []string{"../../README.md"}
	for _, pattern := range []string{"../../docs/*.md", "../../deploy/*/README.md"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	seen := 0
	for _, file := range files {
		for _, command := range shown(t, file) {
			args := strings.Fields(strings.ReplaceAll(command, "'", ""))
			for i, flag := range args[:max(len(args)-1, 0)] {
				id := args[i+1]
				var known bool
				switch {
				case strings.ToUpper(id) == id || strings.HasSuffix(id, ".yaml"): // a place for one, or a file
					continue
				case flag == "--claim" || flag == "show" && i == 0:
					claims, err := experiments.All.Select("default", []string{id})
					known = err == nil && len(claims) > 0
				case flag == "--arm":
					known = experiments.All.Arm(id) != nil
				case flag == "--sweep":
					known = experiments.All.Sweep(id) != nil
				case flag == "--tier":
					known = experiments.All.Tier(id) != nil
				default:
					continue
				}
				if seen++; !known {
					t.Errorf("%s: cidbench %s: there is no %s", file, command, id)
				}
			}
		}
	}
	if seen < 20 {
		t.Errorf("only %d ids were found", seen)
	}
}

// shown are the commands that a document shows, without the program's name and comments.
func shown(t *testing.T, file string) (commands []string) {
	t.Helper()
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
		all := strings.Split(strings.TrimSpace(command), " | ") // of a group of commands, or a pipe
		for i, name := range all {
			if group, _, grouped := strings.Cut(all[0], " "); i > 0 && grouped && !strings.Contains(name, " ") {
				name = group + " " + name
			}
			commands = append(commands, name)
		}
	}
	return commands
}

// scripts are the commands that testdata/script and the tour run, but those that are refused for how they are typed.
func scripts(t *testing.T) (commands []string) {
	t.Helper()
	files, err := filepath.Glob("testdata/script/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, file := range append(files, "../../docs/tour.md") {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			if strings.HasPrefix(line, "exits 2 ") || strings.HasPrefix(line, "#") {
				continue
			}
			for _, command := range strings.Split(line, "cidbench ")[1:] {
				if end := strings.IndexAny(command, ";|&)\n"); end >= 0 {
					command = command[:end]
				}
				commands = append(commands, command)
			}
		}
	}
	return commands
}

// parsed is the name of a command, below the group that it is of, and the flags that it has.
func parsed(command string) (name string, flags []string) {
	words := strings.Fields(command)
	if len(words) == 0 {
		return "", nil
	}
	name = words[0]
	if slices.Contains([]string{"registry", "data", "tier", "backend"}, name) && len(words) > 1 {
		name += " " + words[1]
	}
	for _, word := range words {
		flag, _, _ := strings.Cut(word, "=")
		switch {
		case flag == "-o":
			flags = append(flags, "--output")
		case strings.HasPrefix(flag, "--"):
			flags = append(flags, flag)
		}
	}
	return name, flags
}
