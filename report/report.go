// Package report judges claims by the runs in a registry and writes down what came out.
//
// Three steps are apart: Load reads runs, Build turns them into a Report - a plain model that holds
// every number - and a Writer prints it. Build is a pure function and writers compute nothing, so the
// same runs give the same bytes. The statistics live in package stats; what a claim states and which
// runs it needs live in package bench.
package report

import (
	"fmt"
	"io"
	"strings"
)

// A Writer prints a report. The same report gives the same bytes.
type Writer func(io.Writer, *Report) error

// formats has the writers by name, in the order in which help shows them.
var formats = []struct {
	name  string
	write Writer
}{
	{"text", func(w io.Writer, r *Report) error { return Text(w, r, TextOptions{}) }},
	{"md", Markdown},
	{"html", HTML},
	{"json", JSON},
	{"csv", CSV},
}

// Formats lists the names that Format knows.
func Formats() []string {
	var names []string
	for _, f := range formats {
		names = append(names, f.name)
	}
	return names
}

// Format finds a writer by name; an unknown name is an error that lists the known ones.
func Format(name string) (Writer, error) {
	for _, f := range formats {
		if f.name == name {
			return f.write, nil
		}
	}
	return nil, fmt.Errorf("unknown report format %q: choose one of %s", name, strings.Join(Formats(), ", "))
}
