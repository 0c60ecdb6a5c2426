package cli

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// What commands print as text of their own fits the width that reports have.

// printf prints whole lines, each broken where it is too wide.
func (c *Console) printf(format string, args ...any) {
	var out strings.Builder
	for line := range strings.Lines(fmt.Sprintf(format, args...)) {
		out.WriteString(broken(strings.TrimRight(line, " \n"), cmp.Or(c.Text.Width, columns)) + "\n")
	}
	_, _ = io.WriteString(c.Stdout, out.String()) // Run tells of what cannot be written
}

// printTable prints rows of cells in columns.
func (c *Console) printTable(rows [][]string) {
	var out bytes.Buffer
	table := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		fmt.Fprintln(table, strings.Join(row, "\t"))
	}
	_ = table.Flush() // a buffer takes everything
	c.printf("%s", &out)
}

// broken breaks a line between words, so that it has no more runes than a width; what goes on below is indented by four
// more. A word that is longer than a line, such as a path, stays whole.
func broken(line string, width int) string {
	rest := []rune(line)
	begins := len(line) - len(strings.TrimLeft(line, " "))
	indent := strings.Repeat(" ", begins+4)
	var out strings.Builder
	for len(rest) > width {
		at := width
		for at > begins && rest[at] != ' ' {
			at--
		}
		for at <= begins || at < len(rest) && rest[at] != ' ' { // the first word is too long
			at = max(at, begins) + 1
		}
		if at == len(rest) {
			break
		}
		out.WriteString(strings.TrimRight(string(rest[:at]), " ") + "\n")
		rest = []rune(indent + strings.TrimLeft(string(rest[at:]), " "))
		begins = len(indent)
	}
	return out.String() + string(rest)
}

// shortDigits are as many of an id or digest as name it among others in text; machines get all of them.
const shortDigits = 8

// short is an id of a run as text has it: its first digits, by which commands take it.
func short(id string) string { return id[:min(len(id), shortDigits)] }

// told is where a result goes; it keeps the first error.
type told struct {
	io.Writer
	err error
}

func (t *told) Write(p []byte) (int, error) {
	n, err := t.Writer.Write(p)
	t.err = cmp.Or(t.err, err)
	return n, err
}
