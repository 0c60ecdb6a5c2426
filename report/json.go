package report

import (
	"encoding/json"
	"io"
)

// JSON writes a report as its model: Report documents the fields, Schema and Version identify them.
func JSON(w io.Writer, r *Report) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(r)
}
