package svg_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/cidbench/cidbench/report/figure"
	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/report/svg"
)

func lead() *figure.Figure {
	return figure.Paired("paired-0.2", &model.Lead{
		Temperature: 0.2, Seeds: []uint64{100, 103},
		Arms: []model.LeadArm{{ID: "a<b", Accuracies: []float64{47, 45}, Mean: 46}, {ID: "c", Accuracies: []float64{41, 40}, Mean: 40.5}},
	}, &model.Report{})
}

// A file is XML with its style, words and sheet; inside a page a figure has the words alone.
func TestFileAndInside(t *testing.T) {
	var file bytes.Buffer
	if err := svg.File(&file, lead()); err != nil {
		t.Fatal(err)
	}
	for decoder := xml.NewDecoder(bytes.NewReader(file.Bytes())); ; {
		if _, err := decoder.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("%v in %s", err, &file)
		}
	}
	inside, err := svg.Inside(lead())
	if err != nil {
		t.Fatal(err)
	}
	for want, alone := range map[string]bool{
		"<style>": true, `<rect class="sheet" width="100%" height="100%"/>`: true, "prefers-color-scheme: dark": true, `width="380.0"`: true,
		"Mean of a&lt;b: 46.00.": false, "<title>seed 103, c: 40.00</title>": false, `class="pair"`: false, ">40.5</text>": false,
	} {
		if !strings.Contains(file.String(), want) || strings.Contains(string(inside), want) == alone {
			t.Errorf("%q: in the file %v, inside %v", want, strings.Contains(file.String(), want), strings.Contains(string(inside), want))
		}
	}
}
