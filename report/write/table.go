package write

import (
	"bytes"
	"io"
	"strings"

	"github.com/olekukonko/tablewriter"
	"github.com/olekukonko/tablewriter/renderer"
	"github.com/olekukonko/tablewriter/tw"

	"github.com/cidbench/cidbench/report/layout"
)

// terminal draws no lines but the one under the head.
var terminal = tw.Rendition{
	Borders: tw.BorderNone,
	Symbols: tw.NewSymbols(tw.StyleASCII),
	Settings: tw.Settings{
		Separators: tw.Separators{BetweenRows: tw.Off, BetweenColumns: tw.Off},
		Lines:      tw.Lines{ShowHeaderLine: tw.On, ShowTop: tw.Off, ShowBottom: tw.Off},
	},
}

// fitTable wraps the cells of a table that is wider than width, unless that is 0.
func fitTable(t *layout.Table, width int) (string, error) {
	var natural, wrapped bytes.Buffer
	plain := func(s string) string { return s }
	if err := drawTable(&natural, t, plain, renderer.NewBlueprint(terminal)); err != nil {
		return "", err
	}
	first, _, _ := strings.Cut(natural.String(), "\n")
	if width == 0 || len([]rune(strings.TrimRight(first, " "))) <= width {
		return natural.String(), nil
	}
	err := drawTable(&wrapped, t, plain, renderer.NewBlueprint(terminal), tablewriter.WithMaxWidth(width))
	return wrapped.String(), err
}

// drawTable draws a table as the renderer does, each text spelled so, numbers aligned right.
func drawTable(w io.Writer, t *layout.Table, spell func(string) string, draw tw.Renderer, options ...tablewriter.Option) error {
	var head []string
	var align []tw.Align
	for _, c := range t.Columns {
		head = append(head, spell(c.Head))
		if c.Number {
			align = append(align, tw.AlignRight)
		} else {
			align = append(align, tw.AlignLeft)
		}
	}
	out := tablewriter.NewTable(w, append([]tablewriter.Option{
		tablewriter.WithRenderer(draw),
		tablewriter.WithHeaderAutoFormat(tw.Off), // it would shout
		tablewriter.WithHeaderAutoWrap(tw.WrapNormal),
		tablewriter.WithAlignment(align),
	}, options...)...)
	out.Header(head)
	for _, row := range t.Rows {
		var cells []string
		for _, cell := range row.Cells {
			cells = append(cells, spell(cell))
		}
		if err := out.Append(cells); err != nil {
			return err
		}
	}
	return out.Render()
}
