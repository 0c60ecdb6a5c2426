package cli

import (
	"encoding/json"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	reflected "github.com/invopop/jsonschema"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/cidbench/cidbench/registry"
	"github.com/cidbench/cidbench/report/model"
)

var update = flag.Bool("update", false, "write the schemas of docs/schemas anew")

// schemas are those of docs/schemas, made of the types: of each document, and of reports.
func schemas(t *testing.T) map[string][]byte {
	t.Helper()
	made := map[string][]byte{}
	for name, of := range documents {
		r := reflected.Reflector{Anonymous: true, AllowAdditionalProperties: false}
		s, own := r.Reflect(of), ""
		if s.Type == "array" { // its items
			list := s
			s = &reflected.Schema{Version: list.Version, Type: "object", Definitions: list.Definitions, AdditionalProperties: reflected.FalseSchema, Required: []string{"items"}}
			s.Properties = reflected.NewProperties()
			list.Version, list.Definitions = "", nil
			s.Properties.Set("items", list)
		} else {
			own = strings.TrimPrefix(s.Ref, "#/$defs/")
			top := *s.Definitions[own]
			top.Version, top.Definitions = s.Version, s.Definitions
			s = &top
		}
		s.Definitions = maps.Clone(s.Definitions)
		delete(s.Definitions, own)
		nullable(s)
		s.Properties.Set("schema", &reflected.Schema{Const: "cidbench-" + name})
		s.Properties.Set("version", &reflected.Schema{Const: documentVersion})
		s.Required = append([]string{"schema", "version"}, s.Required...)
		made[name] = pretty(t, s)
	}
	r := reflected.Reflector{Anonymous: true, AllowAdditionalProperties: false}
	whole := r.Reflect(model.Report{})
	nullable(whole)
	made["report"] = pretty(t, whole)
	return made
}

// nullable lets lists be null, which Go writes for one that has no entries.
func nullable(s *reflected.Schema) {
	for _, d := range s.Definitions {
		nullable(d)
	}
	if s.Properties == nil {
		return
	}
	for p := s.Properties.Oldest(); p != nil; p = p.Next() {
		if p.Value.Type == "array" && p.Key != "items" {
			list := *p.Value
			p.Value = &reflected.Schema{OneOf: []*reflected.Schema{&list, {Type: "null"}}}
		}
		nullable(p.Value)
	}
}

func pretty(t *testing.T, v any) []byte {
	t.Helper()
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return append(text, '\n')
}

// The schemas in docs are those of what is printed. (-update writes them.)
func TestSchemas(t *testing.T) {
	folder := filepath.Join("..", "docs", "schemas")
	want := schemas(t)
	for _, name := range slices.Sorted(maps.Keys(want)) {
		file := filepath.Join(folder, name+".json")
		if *update {
			if err := os.WriteFile(file, want[name], 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := os.ReadFile(file); err != nil || string(got) != string(want[name]) {
			t.Errorf("%s is not the schema of what is printed (%v): go test ./cli -run TestSchemas -update", file, err)
		}
	}
	files, err := os.ReadDir(folder)
	if err != nil || len(files) != len(want) {
		t.Errorf("%s has %d files for %d documents (%v)", folder, len(files), len(want), err)
	}
	text, err := os.ReadFile(filepath.Join("..", "docs", "json.md"))
	if err != nil {
		t.Fatal(err)
	}
	for name := range want {
		if !strings.Contains(string(text), "(schemas/"+name+".json)") {
			t.Errorf("docs/json.md says nothing of %s", name)
		}
	}
}

// What commands print with --json is valid by the schema that it names.
func TestDocumentsAreValid(t *testing.T) {
	store, data := t.TempDir()+"/store", t.TempDir()
	if _, err := registry.Open(t.Context(), store); err != nil {
		t.Fatal(err)
	}
	for _, command := range []string{
		"list", "status --seeds 1 --store " + store, "verify --no-run --store " + store,
		"registry ls --store " + store, "registry check --store " + store, "registry gc --store " + store,
		"registry repair --store " + store, "registry copy " + store + " " + t.TempDir() + "/copy", "data ls --data-dir " + data, "doctor --store " + store,
	} {
		_, text, errs := try(t.Context(), append(strings.Fields(command), "--json")...)
		valid(t, command, text, errs)
	}
}

// valid checks a document by the schema that it names.
func valid(t *testing.T, command, text, errs string) {
	t.Helper()
	var head struct{ Schema string }
	if err := json.Unmarshal([]byte(text), &head); err != nil || !strings.HasPrefix(head.Schema, "cidbench-") {
		t.Errorf("%s --json is no document (%v): %.300s %s", command, err, text, errs)
		return
	}
	schema, err := jsonschema.NewCompiler().Compile(filepath.Join("..", "docs", "schemas", strings.TrimPrefix(head.Schema, "cidbench-")+".json"))
	if err != nil {
		t.Errorf("%s: %v", command, err)
		return
	}
	document, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err == nil {
		err = schema.Validate(document)
	}
	if err != nil {
		t.Errorf("%s --json is not valid by %s: %v", command, head.Schema, err)
	}
}
