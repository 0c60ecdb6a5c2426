package main

import (
	"bytes"
	"errors"
	"flag"
	"strings"
	"testing"

	"github.com/cidbench/cidbench/bench/dataset"
)

func TestRun(t *testing.T) {
	empty := t.TempDir()
	for _, c := range []struct {
		args []string
		want error
		says string
	}{
		{nil, flag.ErrHelp, "node_modules"},
		{[]string{"-modules", empty}, flag.ErrHelp, "-output"},
		{[]string{"-modules", empty, "-output", empty, "more"}, flag.ErrHelp, "-output"},
		{[]string{"-colour"}, flag.ErrHelp, "-colour"},
		{[]string{"-modules", empty, "-output", empty}, dataset.ErrFiles, "collections.json"},
	} {
		var out, complaint bytes.Buffer
		err := run(t.Context(), c.args, &out, &complaint)
		if !errors.Is(err, c.want) || !strings.Contains(complaint.String()+err.Error(), c.says) || out.Len() > 0 {
			t.Errorf("%q: %v\n%s%s", c.args, err, &complaint, &out)
		}
	}
}
