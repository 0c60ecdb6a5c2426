package registry

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// encode returns the one JSON text that stands for v here, with a final newline: no white space,
// object members sorted by name, strings escaped no more than JSON demands,
// numbers spelled as encoding/json or a json.RawMessage in v spells them.
func encode(v any) ([]byte, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	if !utf8.Valid(text) {
		return nil, errors.New("JSON is not valid UTF-8")
	}
	// The second pass sorts the members inside of every json.RawMessage and
	// those of structs, and keeps integers beyond 2^53 exact.
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var tree any
	if err := decoder.Decode(&tree); err != nil {
		return nil, err
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	err = encoder.Encode(tree)
	return out.Bytes(), err
}

// canonical is encode without the newline: what digests are taken of.
func canonical(v any) ([]byte, error) {
	text, err := encode(v)
	return bytes.TrimSuffix(text, []byte("\n")), err
}

// decodeStored is decodeStrict for JSON that is stored as encode makes it, which rules out misspelled and repeated names.
func decodeStored(data []byte, v any) error {
	if err := decodeStrict(data, v); err != nil {
		return err
	}
	if again, err := encode(v); err != nil || !bytes.Equal(again, data) {
		return errors.New("not canonical JSON")
	}
	return nil
}

// maxDepth is how deeply stored JSON may be nested: no key, result or event comes near.
const maxDepth = 100

// decodeStrict decodes one JSON value without unknown fields.
func decodeStrict(data []byte, v any) error {
	if depth := depthOf(data); depth > maxDepth {
		return fmt.Errorf("nested more than %d deep", maxDepth)
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(v); err != nil {
		return err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("data after the JSON value")
	}
	return nil
}

// depthOf is how deeply JSON is nested.
func depthOf(data []byte) (deepest int) {
	depth, quoted, escaped := 0, false, false
	for _, b := range data {
		switch {
		case escaped:
			escaped = false
		case quoted:
			escaped, quoted = b == '\\', b != '"'
		case b == '"':
			quoted = true
		case b == '[', b == '{':
			depth++
			deepest = max(deepest, depth)
		case b == ']', b == '}':
			depth--
		}
	}
	return deepest
}
