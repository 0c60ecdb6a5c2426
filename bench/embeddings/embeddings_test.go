package embeddings

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cidbench/cidbench/bench/analysis"
	"github.com/cidbench/cidbench/bench/safetensors"
)

var protocol = analysis.Protocol{Queries: 60, Tail: 0.05, Draws: 99, Resamples: 49}

const rows, dim, classCount = 200, 8, 10

// folder is where a test's files lie.
type folder struct {
	testing.TB
	dir string
}

func newFolder(t testing.TB) folder { return folder{t, t.TempDir()} }

func (f folder) write(name string, data []byte) string {
	f.Helper()
	path := filepath.Join(f.dir, name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		f.Fatal(err)
	}
	return path
}

// npy writes float32 values, [rows, columns].
func (f folder) npy(name string, values []float32, shape string) string {
	header := fmt.Sprintf("{'descr': '<f4', 'fortran_order': False, 'shape': %s, }", shape)
	data, err := binary.Append([]byte("\x93NUMPY\x01\x00"+string(rune(len(header)))+"\x00"+header), binary.LittleEndian, values)
	if err != nil {
		f.Fatal(err)
	}
	return f.write(name, data)
}

func (f folder) lines(name string, labels []string) string {
	return f.write(name, []byte(strings.Join(labels, "\n")+"\n"))
}

// draw makes rows around the directions of their classes; pairs of classes lie near each other.
func draw(seed uint64) (values []float32, labels []string) {
	random := rand.New(rand.NewPCG(1, 1))
	var class, pair [classCount][dim]float64
	for c := range class {
		for d := range class[c] {
			class[c][d], pair[c][d] = random.NormFloat64(), random.NormFloat64()
		}
	}
	random = rand.New(rand.NewPCG(seed, 2))
	for i := range rows {
		c := i % classCount
		for d := range dim {
			values = append(values, float32(7*(class[c][d]+2*pair[c/2][d]+0.5*random.NormFloat64())))
		}
		labels = append(labels, fmt.Sprintf("class%d", c))
	}
	return values, labels
}

const shape = "(200, 8)"

func (f folder) pairs() string {
	text := "root\n"
	for c := range classCount {
		if c%2 == 0 {
			text += fmt.Sprintf("  pair%d\n", c/2)
		}
		text += fmt.Sprintf("    class%d\n", c)
	}
	return f.write("tree.txt", []byte(text))
}

func mustAnalyze(t *testing.T, r Request) *Result {
	t.Helper()
	r.Protocol = protocol
	out, err := Analyze(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestPlantedMeaningIsFound(t *testing.T) {
	f := newFolder(t)
	values, labels := draw(1)
	r := Request{Embeddings: f.npy("z.npy", values, shape), Labels: f.lines("y.txt", labels), Tree: f.pairs()}
	out := mustAnalyze(t, r)
	for _, id := range []string{analysis.SameClassAUC, analysis.SemanticPath} {
		if s := out.Statistics[id]; s.Null == nil || s.Null.PGreater > 0.05 {
			t.Errorf("%s: %+v, null %+v", id, s, s.Null)
		}
	}
	if got, want := *out.Chance.SameClass, float64(rows/classCount-1)/(rows-1); math.Abs(got-want) > 1e-12 {
		t.Errorf("chance of the same class is %g, want %g", got, want)
	}
	if hardest := out.Bands[0]; *hardest.SameClass < 3**out.Chance.SameClass || *out.Bands[3].Path >= *out.Percentiles[12].Path {
		t.Errorf("bands %+v", out.Bands)
	}
	if out.Rows != rows || out.Dimensions != dim || out.Queries != 60 || out.Negatives != rows-1 || len(out.Classes) != classCount {
		t.Errorf("%+v", out)
	}
	if len(out.Inputs) != 2 || out.Inputs[0].Digest == out.Inputs[1].Digest || out.TreeDigest == "" || out.Protocol != protocol.ID() {
		t.Errorf("inputs %+v, tree %q, protocol %q", out.Inputs, out.TreeDigest, out.Protocol)
	}
	if !slices.ContainsFunc(out.Notes, func(n string) bool { return strings.Contains(n, "scaled to unit length") }) {
		t.Errorf("notes %q", out.Notes)
	}
	shuffled := slices.Clone(labels)
	rand.New(rand.NewPCG(3, 3)).Shuffle(rows, func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
	r.Labels = f.lines("shuffled.txt", shuffled)
	if s := mustAnalyze(t, r).Statistics[analysis.SameClassAUC]; s.Null.PGreater < 0.01 {
		t.Errorf("shuffled labels: %+v", s)
	}
}

func TestFormsOfTheSameInputAgree(t *testing.T) {
	f := newFolder(t)
	values, labels := draw(1)
	numbers, table := make([]int32, rows), "id,class\n"
	for i := range numbers {
		numbers[i] = int32(i % classCount)
		table += fmt.Sprintf("%d, \"%d\"\n", i, numbers[i])
	}
	table = strings.ReplaceAll(table, ", \"", ",\"")
	file := safetensors.File{Tensors: map[string]safetensors.Tensor{"z": {Shape: []int{rows, dim}, Float32: values}, "y": {Shape: []int{rows}, Int32: numbers}}}
	both, err := file.Encode()
	if err != nil {
		t.Fatal(err)
	}
	st, z := f.write("both.safetensors", both), f.npy("z.npy", values, shape)
	want := mustAnalyze(t, Request{Embeddings: z, Labels: f.lines("y.txt", labels), Threads: 1})
	for name, r := range map[string]Request{
		"arrays": {Embeddings: st + ":z", Labels: st + ":y", Threads: 2},
		"csv":    {Embeddings: z, Labels: f.write("y.csv", []byte("\ufeff"+table)) + ":class"},
		"crlf":   {Embeddings: z, Labels: f.write("crlf.txt", []byte(strings.Join(labels, "\r\n")))},
	} {
		got := mustAnalyze(t, r)
		if !sameNumbers(t, got, want) {
			t.Errorf("%s: other numbers", name)
		}
	}
}

func sameNumbers(t *testing.T, a, b *Result) bool {
	t.Helper()
	text := func(r *Result) string {
		data, err := json.Marshal([]any{r.Bands, r.Percentiles, r.Statistics, r.Hard, r.Easy, r.Chance})
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	return text(a) == text(b)
}

func TestQueueIsTakenAsRowsOrColumns(t *testing.T) {
	f := newFolder(t)
	values, labels := draw(1)
	queue, held := draw(2)
	for i := range held {
		if held[i] == "class9" {
			held[i] = "class8"
		}
	}
	r := Request{Embeddings: f.npy("z.npy", values, shape), Labels: f.lines("y.txt", labels), Queue: f.npy("q.npy", queue, shape), QueueLabels: f.lines("q.txt", held)}
	byRow := mustAnalyze(t, r)
	transposed := make([]float32, len(queue))
	for i := range rows {
		for d := range dim {
			transposed[d*rows+i] = queue[i*dim+d]
		}
	}
	r.Queue = f.npy("t.npy", transposed, "(8, 200)")
	byColumn := mustAnalyze(t, r)
	if !sameNumbers(t, byRow, byColumn) {
		t.Error("the queue's columns give other numbers than its rows")
	}
	if byRow.Negatives != rows || len(byRow.Inputs) != 4 || byRow.Inputs[3].Role != "queue labels" {
		t.Errorf("%+v", byRow)
	}
	for want, notes := range map[string][]string{"20 rows of 1 classes are no queries": byRow.Notes, "one negative a column": byColumn.Notes} {
		if !strings.Contains(strings.Join(notes, " "), want) {
			t.Errorf("no note says %q: %q", want, notes)
		}
	}
	if sameNumbers(t, byRow, mustAnalyze(t, Request{Embeddings: r.Embeddings, Labels: r.Labels})) {
		t.Error("the queue changes nothing")
	}
}

func TestWithoutATreeThereIsNoMeaning(t *testing.T) {
	f := newFolder(t)
	values, labels := draw(1)
	out := mustAnalyze(t, Request{Embeddings: f.npy("z.npy", values, shape), Labels: f.lines("y.txt", labels)})
	for _, id := range treeStatistics {
		if _, ok := out.Statistics[id]; ok || out.Absent[id] == "" {
			t.Errorf("%s is there, or nothing says why not", id)
		}
	}
	if out.Chance.Path != nil || out.Bands[0].WuPalmer != nil || out.TreeDigest != "" {
		t.Errorf("%+v", out.Chance)
	}
}

func TestTreesByNameAndNumber(t *testing.T) {
	numbers, names := []string{"0", "1", "99"}, []string{"apple", "aquarium_fish", "worm"}
	for _, classes := range [][]string{numbers, names} {
		if _, places, err := openTree("cifar100", classes); err != nil || !slices.Equal(places, []int{0, 1, 99}) {
			t.Errorf("%v: %v, %v", classes, places, err)
		}
	}
	for _, class := range []string{"100", "-1", "07", "unicorn"} {
		if _, _, err := openTree("cifar100", []string{class}); !errors.As(err, new(InputError)) || !strings.Contains(err.Error(), "none of the tree") {
			t.Errorf("%s: %v", class, err)
		}
	}
	if _, _, err := openTree("wordnet:"+t.TempDir(), []string{"n02084071"}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no WordNet: %v", err)
	}
}

func TestBadInputIsNamed(t *testing.T) {
	f := newFolder(t)
	values, labels := draw(1)
	spoiled := func(name string, at int, v float32) string {
		bad := slices.Clone(values)
		if v == 0 {
			clear(bad[at/dim*dim:][:dim])
		}
		bad[at] = v
		return f.npy(name, bad, shape)
	}
	relabelled := func(name string, change func(i int, label string) string) string {
		other := slices.Clone(labels)
		for i := range other {
			other[i] = change(i, other[i])
		}
		return f.lines(name, other)
	}
	z, y := f.npy("z.npy", values, shape), f.lines("y.txt", labels)
	large := make([]float32, 65537*2)
	for name, tc := range map[string]struct {
		r    Request
		want string
	}{
		"NaN":                 {Request{Embeddings: spoiled("nan.npy", 43, float32(math.NaN())), Labels: y}, "row 5 (the first is 0), dimension 3 is NaN"},
		"infinite":            {Request{Embeddings: spoiled("inf.npy", 8, float32(math.Inf(-1))), Labels: y}, "row 1 (the first is 0), dimension 0 is -Inf"},
		"zeros":               {Request{Embeddings: spoiled("zero.npy", 16, 0), Labels: y}, "row 2 (the first is 0) is all zeros"},
		"flat":                {Request{Embeddings: f.npy("flat.npy", values, "(1600,)"), Labels: y}, "shape is [1600]"},
		"cube":                {Request{Embeddings: f.npy("cube.npy", values, "(200, 4, 2)"), Labels: y}, "shape is [200 4 2]"},
		"few rows":            {Request{Embeddings: f.npy("few.npy", values[:800], "(100, 8)"), Labels: y}, "100 rows, where 101 to 65536"},
		"many rows":           {Request{Embeddings: f.npy("many.npy", large, "(65537, 2)"), Labels: y}, "65537 rows"},
		"fewer labels":        {Request{Embeddings: z, Labels: f.lines("fewer.txt", labels[1:])}, "199 labels for the 200 rows"},
		"a header":            {Request{Embeddings: z, Labels: f.lines("header.txt", append([]string{"class"}, labels...))}, "header.txt:COLUMN"},
		"columns":             {Request{Embeddings: z, Labels: f.write("two.csv", []byte("a,b\n"))}, "line 1 has 2 columns"},
		"no such column":      {Request{Embeddings: z, Labels: f.write("named.csv", []byte("a,b\n1,2\n")) + ":class"}, `names no column "class"`},
		"ragged":              {Request{Embeddings: z, Labels: f.write("ragged.csv", []byte("a,class\n1,2\n1\n")) + ":class"}, "line 3"},
		"an empty label":      {Request{Embeddings: z, Labels: f.write("empty.csv", []byte("a,class\n1,2\n1, \n")) + ":class"}, "line 3 has no label"},
		"one class":           {Request{Embeddings: z, Labels: relabelled("one.txt", func(int, string) string { return "cat" })}, `1 classes (["cat"])`},
		"two classes":         {Request{Embeddings: z, Labels: relabelled("two.txt", func(i int, _ string) string { return fmt.Sprint(i % 2) })}, `2 classes (["0" "1"])`},
		"a class of one":      {Request{Embeddings: z, Labels: relabelled("lone.txt", func(i int, l string) string { return l + strings.Repeat("x", max(0, i-198)) })}, `row 199 (the first is 0) is the only one of class "class9x"`},
		"binary labels":       {Request{Embeddings: z, Labels: f.write("y.bin", []byte{1, 0, 2})}, "begins with"},
		"labels of fractions": {Request{Embeddings: z, Labels: f.npy("y.npy", values[:200], "(200,)")}, "type is F32"},
		"labels in a matrix":  {Request{Embeddings: z, Labels: f.npy("m.npy", values[:200], "(100, 2)")}, "labels of shape [100 2]"},
		"no embeddings":       {Request{Embeddings: y, Labels: y}, "as no npy"},
		"a name":              {Request{Embeddings: z + ":x", Labels: y}, `no tensor is named "x"`},
		"the queue's width":   {Request{Embeddings: z, Labels: y, Queue: f.npy("wide.npy", values, "(160, 10)"), QueueLabels: y}, "the embeddings have 8 dimensions"},
		"the queue's labels":  {Request{Embeddings: z, Labels: y, Queue: z, QueueLabels: f.lines("q.txt", labels[:9])}, "9 labels for the 200 rows"},
		"none of the queue":   {Request{Embeddings: z, Labels: y, Queue: z, QueueLabels: relabelled("none.txt", func(_ int, l string) string { return "other" + l })}, "0 images are of one"},
		"a tree":              {Request{Embeddings: z, Labels: y, Tree: f.write("bad.txt", []byte("root\n  class0\n"))}, "bad.txt"},
	} {
		tc.r.Protocol = protocol
		if _, err := Analyze(t.Context(), tc.r); !errors.As(err, new(InputError)) || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: error %v, want an InputError with %q", name, err, tc.want)
		}
	}
	for _, r := range []Request{{Embeddings: z + "x", Labels: y}, {Embeddings: z, Labels: y + "x"}, {Embeddings: z, Labels: y, Tree: "nothing"}} {
		r.Protocol = protocol
		if _, err := Analyze(t.Context(), r); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("a missing file: %v", err)
		}
	}
	if _, err := Analyze(t.Context(), Request{Embeddings: z, Labels: y}); err == nil {
		t.Error("no protocol, no error")
	}
}

func FuzzParseLabels(f *testing.F) {
	f.Add([]byte("a\nb\n"), "")
	f.Add([]byte("\ufeffid,class\n1,\"x\ny\"\n"), "class")
	f.Fuzz(func(t *testing.T, text []byte, column string) {
		labels, err := parseLabels(text, column)
		if err == nil && (slices.Contains(labels, "") || len(labels) > len(text)) {
			t.Errorf("%q", labels)
		}
	})
}
