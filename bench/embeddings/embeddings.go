// Package embeddings analyses embeddings that anyone's encoder gave, in files or in memory: how hard negatives are,
// whether the hard ones are of the query's class or near to it in meaning, and whether difficulty is consistent. Nothing
// is trained, and no encoder is known: embeddings and labels are all that there is. The measures and their nulls are those
// of package analysis.
package embeddings

import (
	"context"
	"fmt"
	"slices"

	"github.com/cidbench/cidbench/bench/analysis"
	"github.com/cidbench/cidbench/bench/taxonomy"
)

// Request says what is analysed. Arrays are named FILE, or FILE:NAME where a file holds several.
type Request struct {
	// Embeddings are [rows, dimensions] of floating-point numbers, in any file that package tensorfile reads.
	Embeddings string
	// Labels are the class of each row, by number or name: a file of package tensorfile, or text with one a line, or
	// as FILE:COLUMN a CSV file whose first line names its columns.
	Labels string
	// Rows take the place of Embeddings, Labels and Tree.
	Rows *Rows
	// Queue and QueueLabels are the negatives of every query, if they are others than the rows themselves. A queue may
	// be [dimensions, negatives], as MoCo keeps it. Without its labels nothing is said of classes.
	Queue, QueueLabels string
	// Tree says how near classes are: cifar100, wordnet, wordnet:DIR, or a file that taxonomy.ReadFile reads. Empty
	// leaves meaning out.
	Tree     string
	Protocol analysis.Protocol
	// Threads change no number.
	Threads int
}

// Rows are embeddings in memory.
type Rows struct {
	// From says what they are of.
	From []File
	// Values are [len(Labels), Dim], Labels from 0 to len(Classes)-1.
	Dim     int
	Values  []float32
	Labels  []int32
	Classes []string
	// Tree has the classes as its labels; nil leaves meaning out.
	Tree taxonomy.Tree
}

// Result is what was found. Its JSON is the same bytes for the same input.
type Result struct {
	Protocol string `json:"protocol"`
	Inputs   []File `json:"inputs"`
	// Rows is the number of embeddings, Queries of those that were queries, Negatives of those that each query met.
	Rows       int      `json:"rows"`
	Dimensions int      `json:"dimensions"`
	Queries    int      `json:"queries"`
	Negatives  int      `json:"negatives"`
	Classes    []string `json:"classes"`
	// TreeDigest is that of taxonomy.Digest.
	TreeDigest string `json:"treeDigest,omitempty"`
	// Chance is what bands would be like if difficulty had nothing to do with class: the mean over all negatives.
	Chance Band `json:"chance"`
	// Bands are the hardest 0.1%, 1% and 5%, the middle half, and the easiest 5% and 1%. Percentiles are 100 ranges.
	Bands       []Band                        `json:"bands"`
	Percentiles []Band                        `json:"percentiles"`
	Statistics  map[string]analysis.Statistic `json:"statistics"`
	Absent      map[string]string             `json:"absent,omitempty"`
	Hard        analysis.Consistency          `json:"hard"`
	Easy        analysis.Consistency          `json:"easy"`
	// Hardest are the negatives of a queue that are hard for the most queries, in the order of Hard.Most.
	Hardest    []Negative `json:"hardest,omitempty"`
	Uniformity float64    `json:"uniformity"`
	// Notes say what was done to the input, and what the result does not say.
	Notes []string `json:"notes"`
}

// Band is what the negatives in a range of difficulty are like, mean over queries and negatives.
type Band struct {
	// From and To are fractions of a query's negatives, 0 the hardest.
	From float64 `json:"from"`
	To   float64 `json:"to"`
	// Dot is the dot product with the query, SameClass the share of its class, where the classes are known.
	Dot       float64  `json:"dot"`
	SameClass *float64 `json:"same_class,omitempty"`
	// Path and WuPalmer are the semantic similarity of negatives of other classes, where there is a tree and such
	// negatives are in the band.
	Path     *float64 `json:"path_other,omitempty"`
	WuPalmer *float64 `json:"wu_palmer_other,omitempty"`
}

// Negative is one of a queue.
type Negative struct {
	Index int `json:"index"` // in the queue, from 0
	// Hard is the share of queries that have it among their hardest.
	Hard float64 `json:"hard"`
	// Class is its own, where it is known. Near is the most frequent class among the Nearest rows that are nearest to it,
	// and NearRows how many of them are of that class.
	Class    string `json:"class,omitempty"`
	Near     string `json:"near"`
	NearRows int    `json:"nearRows"`
}

// Nearest is the number of rows that say what a negative is like.
const Nearest = 10

// InputError says that an input was read and is not what it should be.
type InputError struct{ Err error }

func (e InputError) Error() string { return e.Err.Error() }
func (e InputError) Unwrap() error { return e.Err }

func inputf(format string, args ...any) error { return InputError{fmt.Errorf(format, args...)} }

// Analyze reads the input and measures it. An error is an InputError that names file and row, or one of reading, or that of
// a cancelled context.
func Analyze(ctx context.Context, r Request) (*Result, error) {
	if err := r.Protocol.Validate(); err != nil {
		return nil, err
	}
	out := &Result{Protocol: r.Protocol.ID()}
	rows, err := r.rows(out)
	if err != nil {
		return nil, err
	}
	out.Dimensions = rows.dim
	in := analysis.Input{Dim: rows.dim, Embeddings: rows.values}
	names := rows.labels
	var queue *set
	if r.Queue != "" {
		if queue, err = readSet(out, "queue", r.Queue, r.QueueLabels, rows.dim); err != nil {
			return nil, err
		}
		if r.Rows != nil {
			queue.nameClasses(r.Rows.Classes)
		}
		names = append(names[:len(names):len(names)], queue.labels...)
	}
	out.Classes = classes(names)
	if in.Labels, err = rows.numbers(out.Classes, queue == nil); err != nil {
		return nil, err
	}
	classless := queue != nil && r.QueueLabels == ""
	if classless {
		if err := queue.deal(out.Classes, r.Queue); err != nil {
			return nil, err
		}
	}
	if queue != nil {
		labels, err := queue.numbers(out.Classes, false)
		if err != nil {
			return nil, err
		}
		in.Queue = &analysis.Queue{Embeddings: queue.values, Labels: labels}
		out.noteUnmet(in)
	}
	meaning := r.Tree != "" || r.Rows != nil && r.Rows.Tree != nil
	if in.Table, err = r.table(out); err != nil {
		return nil, err
	}
	m, err := r.Protocol.Run(ctx, in, r.Threads)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		return nil, InputError{err}
	}
	out.fill(m, meaning)
	if queue != nil {
		out.describeHardest(in, classless)
	}
	if classless {
		out.forgetClasses()
	}
	return out, nil
}

// table says how near the classes are, or that all are equally near if there is no tree.
func (r Request) table(out *Result) (taxonomy.Table, error) {
	var tree taxonomy.Tree
	var places []int
	var err error
	switch {
	case r.Rows != nil && r.Rows.Tree != nil:
		tree = r.Rows.Tree
		for _, name := range out.Classes {
			at := slices.Index(r.Rows.Classes, name)
			if at < 0 {
				return taxonomy.Table{}, inputf("%s: class %q is none of the images", r.QueueLabels, name)
			}
			places = append(places, at)
		}
	case r.Tree != "":
		tree, places, err = openTree(r.Tree, out.Classes)
	default:
		return taxonomy.NewTable(taxonomy.Flat("classes", out.Classes...), len(out.Classes)), nil
	}
	if err != nil {
		return taxonomy.Table{}, err
	}
	out.TreeDigest = taxonomy.Digest(tree)
	return taxonomy.NewTable(tree, tree.Leaves()).Select(places), nil
}

// noteUnmet says which classes of the rows are none of the queue: they ask nothing.
func (out *Result) noteUnmet(in analysis.Input) {
	held, unmet, rows := map[int32]bool{}, map[int32]bool{}, 0
	for _, l := range in.Queue.Labels {
		held[l] = true
	}
	for _, l := range in.Labels {
		if !held[l] {
			unmet[l] = true
			rows++
		}
	}
	if rows > 0 {
		out.note("%d rows of %d classes are no queries, since the queue holds nothing of their class.", rows, len(unmet))
	}
}

func (out *Result) note(format string, args ...any) {
	out.Notes = append(out.Notes, fmt.Sprintf(format, args...))
}

// treeStatistics are those that mean nothing without a tree.
var treeStatistics = []string{
	analysis.SemanticPath, analysis.SemanticWuPalmer, analysis.SemanticPathAll, analysis.SemanticWuPalmerAll,
	analysis.AnticorrelatedPath, analysis.AnticorrelatedWuPalmer,
}

// fill takes over what was measured.
func (out *Result) fill(m *analysis.Measures, tree bool) {
	out.Rows, out.Queries, out.Negatives = m.Images, m.Queries, m.Images-1
	if m.Queue > 0 {
		out.Negatives = m.Queue
	}
	out.Statistics, out.Absent, out.Hard, out.Easy, out.Uniformity = m.Statistics, m.Absent, m.Hard, m.Easy, m.Uniformity
	out.Bands, out.Percentiles = bands(m.Cuts, tree), bands(m.Percentiles, tree)
	out.Chance = chance(m.Percentiles, out.Negatives, tree)
	if !tree {
		for _, id := range treeStatistics {
			delete(out.Statistics, id)
			out.Absent[id] = "no class tree is given"
		}
	}
	if out.Queries < out.Rows {
		out.note("%d of %d rows are queries, drawn evenly from the classes; each meets all of its %d negatives. The 90%% intervals are of resampled classes of queries, so they hold what this sampling adds.", out.Queries, out.Rows, out.Negatives)
	}
	out.note("p values are of one test each, uncorrected for the number of statistics.")
	out.note("This describes embeddings as they are. Whether training without such negatives, or with them alone, would have been better or worse it does not say: that takes training.")
}

func bands(measured []analysis.Percentile, tree bool) []Band {
	out := make([]Band, len(measured))
	for i, p := range measured {
		out[i] = Band{From: p.From, To: p.To, Dot: p.Dot, SameClass: &p.SameClass}
		if tree {
			out[i].Path, out[i].WuPalmer = p.PathOther, p.WuPalmerOther
		}
	}
	return out
}

// chance is the mean of bands that n negatives are divided into, each weighing as much as it has of them.
func chance(all []analysis.Percentile, n int, tree bool) Band {
	mean := Band{To: 1}
	var same, path, wuPalmer, others float64
	for i, p := range all {
		size := float64((i+1)*n/len(all) - i*n/len(all))
		mean.Dot += p.Dot * size / float64(n)
		same += p.SameClass * size / float64(n)
		if p.PathOther != nil {
			weight := size * (1 - p.SameClass)
			path += *p.PathOther * weight
			wuPalmer += *p.WuPalmerOther * weight
			others += weight
		}
	}
	mean.SameClass = &same
	if tree && others > 0 {
		path, wuPalmer = path/others, wuPalmer/others
		mean.Path, mean.WuPalmer = &path, &wuPalmer
	}
	return mean
}
