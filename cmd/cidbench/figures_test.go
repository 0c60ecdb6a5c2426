package main

import (
	"bytes"
	"html"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/cidbench/cidbench/cli"
)

// A figure of a page: what it shows in words, and the command that draws it again.
var drawn = regexp.MustCompile(`(?s)<figure[^>]*>\s*<svg.*?<desc[^>]*>(.*?)</desc>.*?</svg>\s*<figcaption>[^<]*<span class="command"><code[^>]*>(.*?)</code>`)

// TestFigureCommands types the command beside each published figure, on the published evidence: it draws the figure.
func TestFigureCommands(t *testing.T) {
	page, err := os.ReadFile("../../docs/report.html")
	if err != nil {
		t.Fatal(err)
	}
	figures := map[string][]string{} // by command
	for _, f := range drawn.FindAllSubmatch(page, -1) {
		command := html.UnescapeString(string(f[2]))
		figures[command] = append(figures[command], string(f[1]))
	}
	if len(figures) < 4 { // of a tier, of the other, of both, of a sweep
		t.Fatalf("%d commands beside the figures of docs/report.html", len(figures))
	}
	shown := published(t)
	cidbench := func(args string, more ...string) {
		t.Helper()
		args, ok := strings.CutPrefix(args, "cidbench ")
		var out bytes.Buffer
		c := &cli.Console{Catalogue: shown, Stdout: &out, Stderr: &out, Args: append(strings.Fields(args), more...)}
		if code := c.Run(t.Context()); code != 0 || !ok {
			t.Fatalf("%s: exit %d: %s", args, code, &out)
		}
	}
	for command, all := range figures {
		first, report, both := strings.Cut(command, " && ")
		if !both {
			report = command
		} else { // which trains what is missing: here it is only understood
			cidbench(strings.Replace(first, " run ", " plan ", 1), "--store", results)
		}
		store := results
		if strings.Contains(report, "--tier icons") {
			store = icons
		}
		file := filepath.Join(t.TempDir(), "report.html")
		cidbench(strings.NewReplacer("--beside icons", "--beside icons="+icons, "report.html", file).Replace(report), "--store", store)
		again, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, words := range all {
			if !bytes.Contains(again, []byte(">"+words+"</desc>")) {
				t.Errorf("%s does not draw the figure of: %s", command, words)
			}
		}
	}
}
