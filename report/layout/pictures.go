package layout

import (
	"fmt"
	"strings"

	"github.com/cidbench/cidbench/report/model"
)

// gallery shows queries with their hardest negatives, if wanted, and their easiest: a few, and the rest folded.
func gallery(a *model.Analysis, hardest bool) []Block {
	const few = 3
	caption := "Queries of seed %d with their easiest negatives, the easiest first. Below each: its dot product with the query, and its class."
	if hardest {
		caption = "Queries of seed %d with their hardest and easiest negatives, the most extreme first. Below each: its dot product with the query, and its class; a double frame marks the query's own class."
	}
	p := Pictures{Caption: fmt.Sprintf(caption, firstSeed(a))}
	for _, row := range a.Gallery {
		out := PictureRow{Title: "Query: " + row.Query.Class, Groups: []PictureGroup{{Name: "Query", Pictures: []Shown{{
			Picture: row.Query, Words: row.Query.Class, Alt: fmt.Sprintf("Query, image %d, of class %s", row.Query.Index, row.Query.Class),
		}}}}}
		if hardest {
			out.Groups = append(out.Groups, negativesOf("Hardest", row.Hardest))
		}
		out.Groups = append(out.Groups, negativesOf("Easiest", row.Easiest))
		p.Rows = append(p.Rows, out)
	}
	if len(p.Rows) == 0 {
		return nil
	}
	blocks := []Block{Pictures{p.Caption, p.Rows[:min(few, len(p.Rows))]}}
	if len(p.Rows) > few {
		blocks = append(blocks, Folded{"More queries", Pictures{p.Caption, p.Rows[few:]}})
	}
	return blocks
}

func firstSeed(a *model.Analysis) uint64 { return a.Runs[0].Seed }

func negativesOf(name string, negatives []model.Picture) PictureGroup {
	g := PictureGroup{Name: name}
	for _, n := range negatives {
		s := Shown{
			Picture: n, Words: n.Caption + " " + n.Class,
			Alt: fmt.Sprintf("%s negative, image %d, of class %s, dot product %s", name, n.Index, n.Class, n.Caption),
		}
		if n.SameClass {
			s.Words += " (same class)"
			s.Alt += ", the query's own class"
		}
		g.Pictures = append(g.Pictures, s)
	}
	return g
}

// mostConsistent shows the images that are hard, or easy, for most queries.
func mostConsistent(a *model.Analysis) Pictures {
	p := Pictures{Caption: fmt.Sprintf("The images of seed %d that are among the hardest, and among the easiest, negatives of most queries (of %d).", firstSeed(a), a.Queries)}
	for _, tail := range []struct {
		name string
		most []model.Picture
	}{{"Most consistently hard", a.Hard.Most}, {"Most consistently easy", a.Easy.Most}} {
		g := PictureGroup{Name: tail.name}
		for _, image := range tail.most {
			g.Pictures = append(g.Pictures, Shown{
				Picture: image, Words: image.Caption + ": " + image.Class,
				Alt: fmt.Sprintf("%s, image %d, of class %s, %s", tail.name, image.Index, image.Class, image.Caption),
			})
		}
		p.Rows = append(p.Rows, PictureRow{Title: tail.name, Groups: []PictureGroup{g}})
	}
	return p
}

// Table says in words what the pictures show.
func (p Pictures) Table() *Table {
	var columns []Shows[PictureRow]
	for i, g := range p.Rows[0].Groups {
		columns = append(columns, Text(g.Name, func(row PictureRow) string {
			var said []string
			for _, s := range row.Groups[i].Pictures {
				said = append(said, s.Words)
			}
			return strings.Join(said, "; ")
		}))
	}
	if len(columns) == 1 {
		group := columns[0].Cell
		columns[0] = Text("Images", func(row PictureRow) string { return row.Title + ": " + group(row) })
	}
	return Tabulate(p.Caption, p.Rows, columns...)
}
