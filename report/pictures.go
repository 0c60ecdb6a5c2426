package report

import "fmt"

// pictures are images of the data set in rows, each with what it is in words.
type pictures struct {
	Caption string
	Rows    []pictureRow
}

// pictureRow has groups of images with a name, in order.
type pictureRow struct {
	Title  string
	Groups []pictureGroup
}

type pictureGroup struct {
	Name     string
	Pictures []shown
}

// shown is a picture with its words: the caption below it, and the alternative text.
type shown struct {
	Picture
	Words, Alt string
}

// gallery shows queries with their hardest negatives, if wanted, and their easiest: a few, and the rest folded.
func gallery(a *Analysis, hardest bool) []block {
	const few = 3
	caption := "Queries of seed %d with their easiest negatives, the easiest first. Below each: its dot product with the query, and its class."
	if hardest {
		caption = "Queries of seed %d with their hardest and easiest negatives, the most extreme first. Below each: its dot product with the query, and its class; a double frame marks the query's own class."
	}
	p := pictures{Caption: fmt.Sprintf(caption, firstSeed(a))}
	for _, row := range a.Gallery {
		out := pictureRow{Title: "Query: " + row.Query.Class, Groups: []pictureGroup{{Name: "Query", Pictures: []shown{{
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
	blocks := []block{{Pictures: &pictures{Caption: p.Caption, Rows: p.Rows[:min(few, len(p.Rows))]}}}
	if len(p.Rows) > few {
		blocks = append(blocks, block{Pictures: &pictures{Caption: p.Caption, Rows: p.Rows[few:]}, Detail: "More queries"})
	}
	return blocks
}

func firstSeed(a *Analysis) uint64 { return a.Runs[0].Seed }

func negativesOf(name string, negatives []Picture) pictureGroup {
	g := pictureGroup{Name: name}
	for _, n := range negatives {
		s := shown{
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
func mostConsistent(a *Analysis) *pictures {
	p := &pictures{Caption: fmt.Sprintf("The images of seed %d that are among the hardest, and among the easiest, negatives of most queries (of %d).", firstSeed(a), a.Queries)}
	for _, tail := range []struct {
		name string
		most []Picture
	}{{"Most consistently hard", a.Hard.Most}, {"Most consistently easy", a.Easy.Most}} {
		g := pictureGroup{Name: tail.name}
		for _, image := range tail.most {
			g.Pictures = append(g.Pictures, shown{
				Picture: image, Words: image.Caption + ": " + image.Class,
				Alt: fmt.Sprintf("%s, image %d, of class %s, %s", tail.name, image.Index, image.Class, image.Caption),
			})
		}
		p.Rows = append(p.Rows, pictureRow{Title: tail.name, Groups: []pictureGroup{g}})
	}
	return p
}

// table says in words what the pictures show.
func (p *pictures) table() *table {
	t := &table{Caption: p.Caption}
	for _, g := range p.Rows[0].Groups {
		t.Head, t.Numbers = append(t.Head, g.Name), append(t.Numbers, false)
	}
	if len(p.Rows[0].Groups) == 1 {
		t.Head[0] = "Images"
	}
	for _, row := range p.Rows {
		var cells []string
		for _, g := range row.Groups {
			text := ""
			for i, s := range g.Pictures {
				if i > 0 {
					text += "; "
				}
				text += s.Words
			}
			cells = append(cells, text)
		}
		if len(cells) == 1 {
			cells[0] = row.Title + ": " + cells[0]
		}
		t.Rows = append(t.Rows, cells)
	}
	return t
}
