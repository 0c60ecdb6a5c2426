package page_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"flag"
	"image"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cidbench/cidbench/report/layout"
	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/report/page"
)

var update = flag.Bool("update", false, "write the golden file anew")

// stored is one of the reports that the tests of package judge keep, with images, which are not in them.
func stored(t *testing.T, name string) *model.Report {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("..", "judge", "testdata", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	r := &model.Report{}
	if err := json.Unmarshal(content, r); err != nil {
		t.Fatal(err)
	}
	for i := range r.Analyses {
		a := &r.Analyses[i]
		draw(a.Hard.Most, a.Easy.Most)
		for j := range a.Gallery {
			row := &a.Gallery[j]
			row.Query.PNG = pixel
			draw(row.Hardest, row.Easiest)
		}
	}
	return r
}

func draw(groups ...[]model.Picture) {
	for _, pictures := range groups {
		for i := range pictures {
			pictures[i].PNG = pixel
		}
	}
}

// pixel is an image of one black pixel, stored as it is, since compression may change with Go.
var pixel = func() []byte {
	var out bytes.Buffer
	encoder := png.Encoder{CompressionLevel: png.NoCompression}
	if err := encoder.Encode(&out, image.NewGray(image.Rect(0, 0, 1, 1))); err != nil {
		panic(err) // a buffer takes everything
	}
	return out.Bytes()
}()

func written(t *testing.T, r *model.Report) string {
	t.Helper()
	var out bytes.Buffer
	if err := page.HTML(&out, r.Tier.ID, layout.Report(r)); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestGolden(t *testing.T) {
	got := written(t, stored(t, "report"))
	path := filepath.Join("testdata", "report.html")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("run the test with -update if this is meant (-want +got):\n%s", diff)
	}
}

// Verdicts of a tier that only exercises the machinery must not be quotable without saying so.
func TestMachineryIsLabelled(t *testing.T) {
	r := stored(t, "report")
	r.Tier.Machinery = true
	for i := range r.Claims {
		r.Claims[i].Machinery = true
	}
	out := written(t, r)
	if top, _, _ := strings.Cut(out, "exploratory claims"); !strings.Contains(top, "mean nothing for science") {
		t.Error("no warning at the top")
	}
	for _, verdict := range []string{"✓ supported", "✗ refuted", "? inconclusive", "∅ nothing to judge"} {
		for i, rest := range strings.Split(out, verdict)[1:] {
			if !strings.HasPrefix(rest, " (meaningless)") {
				t.Errorf("%q number %d is not labelled: %.60q", verdict, i, rest)
			}
		}
	}
}

// element is what of an element the checks below need.
type element struct {
	name     string
	children []string
}

func TestHTMLIsWellFormed(t *testing.T) {
	out := []byte(written(t, stored(t, "report")))
	inside := strings.NewReplacer(`xmlns="http://www.w3.org/2000/svg"`, "", `src="data:image/png;base64,`, "", `href="https://paper.example">https://paper.example</a>`, "")
	for _, load := range []string{"http:", "https:", "src=", "@import", "url(", "<script ", "<link", "fetch(", "import("} {
		if strings.Contains(inside.Replace(string(out)), load) {
			t.Errorf("the page may load something: %q", load)
		}
	}
	decoder := xml.NewDecoder(bytes.NewReader(out))
	ids, links, headings := map[string]bool{}, []string{}, []string{}
	var open []element
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			name := token.Name.Local
			if len(open) > 0 {
				parent := &open[len(open)-1]
				parent.children = append(parent.children, name)
			}
			open = append(open, element{name: name})
			for _, a := range token.Attr {
				switch a.Name.Local {
				case "id":
					if ids[a.Value] {
						t.Errorf("id %q twice", a.Value)
					}
					ids[a.Value] = true
				case "href":
					if inside, ok := strings.CutPrefix(a.Value, "#"); ok {
						links = append(links, inside)
					}
				case "aria-labelledby":
					links = append(links, strings.Fields(a.Value)...)
				}
			}
			if len(name) == 2 && name[0] == 'h' && name[1] >= '1' && name[1] <= '6' {
				if len(headings) > 0 && name[1] > headings[len(headings)-1][1]+1 {
					t.Errorf("%s follows %s", name, headings[len(headings)-1])
				}
				headings = append(headings, name)
			}
		case xml.EndElement:
			e := open[len(open)-1]
			open = open[:len(open)-1]
			if e.name == "svg" && !slices.Equal(e.children[:2], []string{"title", "desc"}) {
				t.Errorf("a figure without words: %v", e.children[:2])
			}
		}
	}
	for _, id := range links {
		if !ids[id] {
			t.Errorf("a link to %q, which is not there", id)
		}
	}
	if len(headings) == 0 || headings[0] != "h1" || slices.Contains(headings[1:], "h1") {
		t.Errorf("headings %v", headings)
	}
}

// Images are in the page, with words; where there are none the words stay.
func TestPictures(t *testing.T) {
	r := stored(t, "report")
	out := written(t, r)
	for _, want := range []string{
		`<li class="same"><img src="data:image/png;base64,iVBOR`,
		`alt="Hardest negative, image 50, of class kind 0, dot product 0.90, the query&#39;s own class"`,
		`alt="Most consistently hard, image 1, of class kind 1, 30 queries"`,
	} {
		if !strings.Contains(out, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	for _, a := range r.Analyses {
		a.Gallery[0].Hardest[0].PNG = nil
	}
	if fewer := written(t, r); strings.Count(fewer, "<img") >= strings.Count(out, "<img") || !strings.Contains(fewer, `<li class="same"><span>0.90 kind 0 (same class)`) {
		t.Error("without images the words should stay")
	}
}

// A report without a single run is still a page.
func TestWithoutRuns(t *testing.T) {
	if out, _, _ := strings.Cut(written(t, stored(t, "nothing")), "<script>"); !strings.Contains(out, "not run") || strings.Contains(out, "NaN") || strings.Contains(out, "Inf ") {
		t.Errorf("%.300s", out)
	}
}

// TestTargets: the page shows what is published beside what was found, and says first why nothing is decided.
func TestTargets(t *testing.T) {
	got := written(t, stored(t, "targets"))
	for _, want := range []string{"Held against what is published", "61.80 to 64.20", "a paper", "No claim is decided: not the same experiment yet", "Accuracy of baseline beside what is published"} {
		if !strings.Contains(got, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
}

// A term has a link where it is first mentioned in a block, and where it is whole words.
func TestTerms(t *testing.T) {
	d := layout.Document{{ID: "top", Level: 1, Title: "Terms", Blocks: []layout.Block{
		layout.List{"A harm of two arms & more.", "Again arms, in `--arms` and hardest5-arms."}, layout.Paragraph("Arms (1/C)."),
		layout.Terms{{ID: "arm", Phrases: []string{"arm", "arms", "Arms"}, Text: "One way."}, {ID: "prior", Phrases: []string{"1/C"}}, {ID: "cell", Heads: []string{"Cell"}}},
	}}}
	var out bytes.Buffer
	if err := page.HTML(&out, "terms", d); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`<li>A harm of two <a class="term" href="#term-arm">arms</a> &amp; more.</li>`, "<li>Again arms, in `--arms` and hardest5-arms.</li>",
		`<p><a class="term" href="#term-arm">Arms</a> (<a class="term" href="#term-prior">1/C</a>).</p>`,
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q", want)
		}
	}
}
