package layout

// Table has a head and rows of cells.
type Table struct {
	Caption string
	Columns []Column
	Rows    []Row
	// Wide tables repeat with more columns what stands elsewhere; terminals leave them out.
	Wide bool
}

// Column is the head of a column, and whether its cells are numbers, which are aligned right.
type Column struct {
	Head   string
	Number bool
}

// Row has a cell for each column.
type Row struct {
	Cells []string
	Link  string // the section that the first cell points to; may be empty
}

// Shows is a column of what it shows of each T.
type Shows[T any] struct {
	Column
	Cell func(T) string
}

// Text is a column of words.
func Text[T any](head string, cell func(T) string) Shows[T] {
	return Shows[T]{Column{Head: head}, cell}
}

// Number is a column of numbers.
func Number[T any](head string, cell func(T) string) Shows[T] {
	return Shows[T]{Column{Head: head, Number: true}, cell}
}

// Tabulate makes a table with a row for each of the elements.
func Tabulate[T any](caption string, elements []T, columns ...Shows[T]) *Table {
	t := &Table{Caption: caption}
	for _, c := range columns {
		t.Columns = append(t.Columns, c.Column)
	}
	for _, x := range elements {
		row := Row{}
		for _, c := range columns {
			row.Cells = append(row.Cells, c.Cell(x))
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// wide marks a table as one that terminals leave out.
func wide(t *Table) *Table {
	t.Wide = true
	return t
}
