package embeddings

import (
	"slices"
	"strconv"

	"github.com/cidbench/cidbench/bench/analysis"
)

// rows are those of the request.
func (r Request) rows(out *Result) (*set, error) {
	if r.Rows == nil {
		return readSet(out, "embeddings", r.Embeddings, r.Labels, 0)
	}
	s := &set{dim: r.Rows.Dim, values: r.Rows.Values, from: "the images"}
	if err := checkRows("the images", len(r.Rows.Labels)); err != nil {
		return nil, err
	}
	for _, l := range r.Rows.Labels {
		s.labels = append(s.labels, r.Rows.Classes[l])
	}
	out.Inputs = append(out.Inputs, r.Rows.From...)
	return s, s.normalise(out, "embeddings", "the embeddings of the images")
}

// nameClasses gives the classes of a queue their names where the file has their numbers alone.
func (s *set) nameClasses(classes []string) {
	named := make([]string, len(s.labels))
	for i, label := range s.labels {
		n, err := strconv.Atoi(label)
		if err != nil || n < 0 || n >= len(classes) {
			return
		}
		named[i] = classes[n]
	}
	s.labels = named
}

// deal gives the negatives of a queue whose classes nobody knows all classes in turn, so that rows of any class are
// queries. What depends on these classes is thrown away (forgetClasses).
func (s *set) deal(classes []string, queue string) error {
	rows := len(s.values) / s.dim
	if rows < len(classes) {
		return inputf("%s: %d negatives of no known class, where the rows have %d classes: give --queue-labels", queue, rows, len(classes))
	}
	for i := range rows {
		s.labels = append(s.labels, classes[i%len(classes)])
	}
	return nil
}

// ofDifficulty are the statistics that know no class.
var ofDifficulty = []string{analysis.AnticorrelatedShare, analysis.NegativeShare, analysis.HardConsistency, analysis.EasyConsistency}

// forgetClasses leaves out all that rests on the classes of the queue.
func (out *Result) forgetClasses() {
	for _, d := range analysis.All {
		if !slices.Contains(ofDifficulty, d.ID) {
			delete(out.Statistics, d.ID)
			out.Absent[d.ID] = "the classes of the queue are not known"
		}
	}
	plain := func(b Band) Band { return Band{From: b.From, To: b.To, Dot: b.Dot} }
	for _, bands := range [][]Band{out.Bands, out.Percentiles} {
		for i := range bands {
			bands[i] = plain(bands[i])
		}
	}
	out.Chance = plain(out.Chance)
	for _, c := range []*analysis.Consistency{&out.Hard, &out.Easy} {
		c.Classes = nil
		for i := range c.Most {
			c.Most[i].Class = -1
		}
	}
}

// describeHardest says what the negatives of a queue are like that are hard for the most queries.
func (out *Result) describeHardest(in analysis.Input, classless bool) {
	for _, image := range out.Hard.Most {
		n := Negative{Index: image.Index, Hard: float64(image.Count) / float64(out.Queries)}
		if !classless {
			n.Class = out.Classes[image.Class]
		}
		n.Near, n.NearRows = out.near(in, in.Queue.Embeddings[image.Index*in.Dim:][:in.Dim])
		out.Hardest = append(out.Hardest, n)
	}
}

// near is the most frequent class of the rows nearest to an embedding, the nearer one of two that are as frequent, and
// how many of the rows are of that class.
func (out *Result) near(in analysis.Input, z []float32) (class string, rows int) {
	dots, order := make([]float64, len(in.Labels)), make([]int, len(in.Labels))
	for i := range dots {
		order[i] = i
		for d, v := range in.Embeddings[i*in.Dim:][:in.Dim] {
			dots[i] += float64(v) * float64(z[d])
		}
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case dots[a] > dots[b]:
			return -1
		case dots[a] < dots[b]:
			return 1
		}
		return 0
	})
	votes := make([]int, len(out.Classes))
	best := in.Labels[order[0]]
	for _, i := range order[:min(Nearest, len(order))] {
		votes[in.Labels[i]]++
	}
	for _, i := range order[:min(Nearest, len(order))] {
		if votes[in.Labels[i]] > votes[best] {
			best = in.Labels[i]
		}
	}
	return out.Classes[best], votes[best]
}
