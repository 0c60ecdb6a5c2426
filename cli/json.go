package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/bench/embeddings"
	"github.com/cidbench/cidbench/bench/encoderfile"
	"github.com/cidbench/cidbench/registry"
	"github.com/cidbench/cidbench/registry/store"
	"github.com/cidbench/cidbench/report/drift"
	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/study"
)

// documents are what --json prints, by name: an object that says its schema, "cidbench-" and the name, and its version,
// and has the members of a value of this type; of a list they are its items. docs/json.md has a schema for each.
// (verify and report print reports, which are such documents themselves, and registry show a manifest as it is stored.)
var documents = map[string]any{
	"analyses":     []model.Analysis{},
	"collection":   registry.GCReport{},
	"copy":         registry.CopyProgress{},
	"dataset":      detail{},
	"datasets":     []study.DataSet{},
	"doctor":       diagnosis{},
	"drift":        drift.Drift{},
	"embeddings":   embeddings.Result{},
	"encoder":      encoderfile.Report{},
	"forgotten":    []study.Forgetting{},
	"import":       registry.ImportReport{},
	"list":         listing{},
	"mendings":     []registry.Mending{},
	"plan":         study.Plan{},
	"probe":        study.Probed{},
	"problems":     checked{},
	"registration": bench.Registration{},
	"reproduction": study.Reproduction{},
	"runs":         []study.Listed{},
	"status":       study.Standing{},
	"verified":     []study.DataSet{},
}

// documentVersion rises when a member of any document changes its meaning or goes away; new members do not raise it.
const documentVersion = 1

// printJSON prints a document of a name, a value of its type.
func (c *Console) printJSON(name string, v any) error {
	text, err := document(name, v)
	if err != nil {
		return err
	}
	return c.indentJSON(text)
}

// document is the JSON of a document of a name, a value of its type, in a line.
func document(name string, v any) ([]byte, error) {
	value := reflect.Indirect(reflect.ValueOf(v))
	if want := reflect.TypeOf(documents[name]); value.Type() != want {
		panic(fmt.Sprintf("document %s is %v, not %v", name, want, value.Type()))
	}
	var body any = v
	if value.Kind() == reflect.Slice {
		if value.Len() == 0 { // none are [], not null
			body = []any{}
		}
		body = map[string]any{"items": body}
	}
	var text bytes.Buffer
	to := json.NewEncoder(&text)
	to.SetEscapeHTML(false)
	if err := to.Encode(body); err != nil {
		return nil, err
	}
	members := bytes.TrimSpace(text.Bytes())
	head := fmt.Sprintf(`{"schema":"cidbench-%s","version":%d`, name, documentVersion)
	if !bytes.Equal(members, []byte("{}")) {
		head += ","
	}
	return store.PrintableJSON([]byte(head + string(members[1:]))), nil
}

func (c *Console) indentJSON(text []byte) error {
	var out bytes.Buffer
	if err := json.Indent(&out, text, "", "  "); err != nil {
		return err
	}
	out.WriteByte('\n')
	_, err := c.Stdout.Write(out.Bytes())
	return err
}
