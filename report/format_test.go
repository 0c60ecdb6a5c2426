package report_test

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/cidbench/cidbench/report"
	"github.com/cidbench/cidbench/report/diff"
	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/report/write"
)

func TestFormats(t *testing.T) {
	r, c := &model.Report{}, &diff.Comparison{}
	for _, format := range report.Formats {
		if err := report.Write(full{}, r, format, write.TextOptions{}); !errors.Is(err, errFull) {
			t.Errorf("%s: %v", format, err)
		}
	}
	for _, format := range report.ComparisonFormats {
		if err := report.WriteComparison(full{}, c, format, write.TextOptions{}); !errors.Is(err, errFull) {
			t.Errorf("comparison, %s: %v", format, err)
		}
	}
}

func TestUnknownFormat(t *testing.T) {
	if err := report.Write(io.Discard, &model.Report{}, "pdf", write.TextOptions{}); err == nil || !strings.Contains(err.Error(), "text, md, html, json, csv") {
		t.Errorf("%v", err)
	}
	if err := report.WriteComparison(io.Discard, &diff.Comparison{}, "csv", write.TextOptions{}); err == nil || !strings.Contains(err.Error(), "text, md, html, json") {
		t.Errorf("%v", err)
	}
}

var errFull = errors.New("disk full")

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }
