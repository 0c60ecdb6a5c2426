package write

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strconv"

	"github.com/cidbench/cidbench/report/model"
)

// JSON writes a report or a comparison as its model, whose fields are documented there and whose schema and
// version stand on top.
func JSON(w io.Writer, value any) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(value)
}

// CSV writes one row per cell of the matrix, run or not. Accuracies are counts of test images and
// points; what does not exist is empty.
func CSV(w io.Writer, r *model.Report) error {
	out := csv.NewWriter(w)
	rows := [][]string{{
		"arm", "temperature", "seed", "status", "reason", "linear_points", "ridge_points", "knn_points",
		"linear_correct", "ridge_correct", "knn_correct", "test_images", "loss", "run", "manifest_digest", "result_digest",
	}}
	for _, a := range r.Arms {
		for _, row := range a.Runs {
			counts := make([]string, 4)
			if c := row.Correct; c != nil {
				counts = []string{strconv.Itoa(c.Linear), strconv.Itoa(c.Ridge), strconv.Itoa(c.KNN), strconv.Itoa(c.TestImages)}
			}
			record := []string{a.ID, exact(&a.Temperature), fmt.Sprint(row.Seed), string(row.Status), row.Reason, exact(row.Linear), exact(row.Ridge), exact(row.KNN)}
			record = append(append(record, counts...), exact(row.Loss), row.Run, string(row.Manifest), string(row.Result))
			rows = append(rows, record)
		}
	}
	return out.WriteAll(rows)
}

// exact spells a number so that reading it gives it back.
func exact(x *float64) string {
	if x == nil {
		return ""
	}
	return strconv.FormatFloat(*x, 'g', -1, 64)
}
