package write

import (
	"encoding/json"
	"io"
)

// JSON writes a report or a comparison as its model, whose fields are documented there and whose schema and
// version stand on top.
func JSON(w io.Writer, value any) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(value)
}
