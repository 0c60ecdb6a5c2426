package report_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/cidbench/cidbench/report"
)

var update = flag.Bool("update", false, "write the golden files anew")

func write(t *testing.T, format string, r *report.Report) []byte {
	t.Helper()
	writer, err := report.Format(format)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := writer(&out, r); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestGolden(t *testing.T) {
	r := build(t, showcase(t))
	for _, format := range report.Formats() {
		t.Run(format, func(t *testing.T) {
			got := write(t, format, r)
			path := filepath.Join("testdata", "report."+format)
			if *update {
				if err := os.WriteFile(path, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(got)); diff != "" {
				t.Errorf("run the test with -update if this is meant (-want +got):\n%s", diff)
			}
		})
	}
}

// Maps have no order, so neither may a report take one from them.
func TestSameInputSameBytes(t *testing.T) {
	for _, format := range report.Formats() {
		first := write(t, format, build(t, showcase(t)))
		for range 5 {
			if !bytes.Equal(first, write(t, format, build(t, showcase(t)))) {
				t.Fatalf("%s: two reports on equal runs differ", format)
			}
		}
	}
}

func TestFormatUnknown(t *testing.T) {
	if _, err := report.Format("pdf"); err == nil || !strings.Contains(err.Error(), "text, md, html, json, csv") {
		t.Errorf("%v", err)
	}
}

func TestWritersPassOnErrors(t *testing.T) {
	r := build(t, showcase(t))
	for _, format := range report.Formats() {
		writer, _ := report.Format(format)
		if err := writer(full{}, r); !errors.Is(err, errFull) {
			t.Errorf("%s: %v", format, err)
		}
	}
}

var errFull = errors.New("disk full")

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }

// Verdicts of a tier that only exercises the machinery must not be quotable without saying so.
func TestMachineryIsLabelledEverywhere(t *testing.T) {
	in := showcase(t)
	in.Tier.Machinery = true
	r := build(t, in)
	for _, c := range r.Claims {
		if !c.Machinery {
			t.Errorf("claim %s", c.ID)
		}
	}
	const mark = "meaningless)"
	for _, format := range []string{"text", "md", "html"} {
		out := string(write(t, format, r))
		if top, _, _ := strings.Cut(out, "10 claims"); !strings.Contains(top, "mean nothing for science") {
			t.Errorf("%s: no warning at the top", format)
		}
		for _, verdict := range []string{"✓ supported", "✗ refuted", "? inconclusive", "∅ nothing to judge"} {
			for i, rest := range strings.Split(out, verdict)[1:] {
				if !strings.HasPrefix(rest, " ("+mark) {
					t.Errorf("%s: %q number %d is not labelled: %.60q", format, verdict, i, rest)
				}
			}
		}
	}
}

func TestColour(t *testing.T) {
	r := build(t, showcase(t))
	var plain, coloured bytes.Buffer
	if err := errors.Join(report.Text(&plain, r, report.TextOptions{Width: 120}), report.Text(&coloured, r, report.TextOptions{Width: 120, Colour: true})); err != nil {
		t.Fatal(err)
	}
	if bytes.ContainsRune(plain.Bytes(), '\x1b') || !bytes.Contains(coloured.Bytes(), []byte("\x1b[31m✗ refuted\x1b[0m")) {
		t.Error("escapes where there should be none, or none where there should be")
	}
}

func TestJSONReadsBack(t *testing.T) {
	want := build(t, showcase(t))
	var got report.Report
	decoder := json.NewDecoder(bytes.NewReader(write(t, "json", want)))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(*want, got, cmpopts.IgnoreFields(report.Picture{}, "PNG")); diff != "" {
		t.Error(diff)
	}
}

func TestCSVHasEveryCell(t *testing.T) {
	in := showcase(t)
	rows, err := csv.NewReader(bytes.NewReader(write(t, "csv", build(t, in)))).ReadAll()
	if err != nil || len(rows) != len(in.Cells)+1 {
		t.Errorf("%d rows, %v; want %d", len(rows), err, len(in.Cells)+1)
	}
}

// element is what of an element the checks below need.
type element struct {
	name     string
	children []string
}

func TestHTMLIsWellFormed(t *testing.T) {
	out := write(t, "html", build(t, showcase(t)))
	inside := strings.NewReplacer(`xmlns="http://www.w3.org/2000/svg"`, "", `src="data:image/png;base64,`, "")
	for _, load := range []string{"http:", "https:", "src=", "@import", "url(", "<script", "<link"} {
		if strings.Contains(inside.Replace(string(out)), load) {
			t.Errorf("the page may load something: %q", load)
		}
	}
	decoder := xml.NewDecoder(bytes.NewReader(out))
	ids, links, headings := map[string]bool{}, []string{}, []string{}
	var open []element
	for {
		token, err := decoder.Token()
		if err == io.EOF {
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
					links = append(links, strings.TrimPrefix(a.Value, "#"))
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

// Images are in the page, and words in their place elsewhere.
func TestPictures(t *testing.T) {
	r := build(t, showcase(t))
	page, markdown := string(write(t, "html", r)), string(write(t, "md", r))
	for _, want := range []string{
		`<li class="same"><img src="data:image/png;base64,iVBOR`,
		`alt="Hardest negative, image 50, of class kind 0, dot product 0.90, the query&#39;s own class"`,
		`alt="Most consistently hard, image 1, of class kind 1, 30 queries"`,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	for _, want := range []string{"0.90 kind 0 (same class); 0.80 kind 1", "Most consistently easy: 30 queries: kind 20"} {
		if !strings.Contains(markdown, want) {
			t.Errorf("Markdown lacks %q", want)
		}
	}
	in := showcase(t)
	in.Picture = nil
	if page := string(write(t, "html", build(t, in))); strings.Contains(page, "<img") || !strings.Contains(page, "0.90 kind 0 (same class)") {
		t.Error("without images the words should stay")
	}
}

// A link in Markdown goes to a heading, whose name GitHub makes of its words.
func TestMarkdownLinks(t *testing.T) {
	text := string(write(t, "md", build(t, showcase(t))))
	if !strings.Contains(text, "[Accuracy against the fraction of negatives](#accuracy-against-the-fraction-of-negatives)") ||
		!strings.Contains(text, "## Accuracy against the fraction of negatives\n") {
		t.Error("no link to the section of the sweep")
	}
}

// A report without a single run is still a report.
func TestWritersWithoutRuns(t *testing.T) {
	r := build(t, input(t, nil))
	for _, format := range report.Formats() {
		if out := string(write(t, format, r)); !strings.Contains(out, "not run") || strings.Contains(out, "NaN") || strings.Contains(out, "Inf ") {
			t.Errorf("%s: %.300s", format, out)
		}
	}
}
