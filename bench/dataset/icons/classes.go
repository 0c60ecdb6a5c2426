package icons

import (
	"bytes"
	_ "embed"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/cidbench/cidbench/bench/taxonomy"
)

// A Class is a sense of a noun, with the names of icons that show it.
type Class struct {
	Name   string
	Synset string // of WordNet 3.0, such as n02691156
	Names  []string
}

// classesCSV was made for cidbench: nouns that at least 50 sets draw, looked at one by one. Left out are those of which
// drawings are mixed, or which mean something other than what is drawn: mouse, table, window, file, bank, notebook,
// speaker, diamond, crown, battery, heart, calendar, receipt.
//
//go:embed classes.csv
var classesCSV []byte

// Classes are those of the data set, by label.
var Classes = sync.OnceValue(func() []Class {
	classes, err := parseClasses(bytes.NewReader(classesCSV))
	if err != nil {
		panic("classes.csv: " + err.Error())
	}
	return classes
})

// classHeads are the columns of a list of classes; the number of the sense and its lemmas are for people.
var classHeads = []string{"class", "wordnet30_offset", "sense", "lemmas", "icon_names"}

func parseClasses(text io.Reader) ([]Class, error) {
	rows := csv.NewReader(text)
	rows.FieldsPerRecord = len(classHeads)
	var classes []Class
	of := map[string]string{}
	for {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, err
		}
		line, _ := rows.FieldPos(0)
		if line == 1 {
			if strings.Join(row, ",") != strings.Join(classHeads, ",") {
				return nil, fmt.Errorf("line 1: want the heads %s", strings.Join(classHeads, ","))
			}
			continue
		}
		c := Class{row[0], "n" + row[1], strings.Fields(row[4])}
		if c.Name == "" || !taxonomy.IsSynset(c.Synset) || len(c.Names) == 0 {
			return nil, fmt.Errorf("line %d: want a class, the eight digits of its synset, and names of icons", line)
		}
		for _, name := range c.Names {
			if of[name] != "" {
				return nil, fmt.Errorf("line %d: %q is a name of %s already", line, name, of[name])
			}
			of[name] = c.Name
		}
		classes = append(classes, c)
	}
	if len(classes) == 0 {
		return nil, errors.New("there is no class")
	}
	return classes, nil
}

// treeJSON are the hypernyms of the classes in WordNet 3.0, under its licence, which lies beside it.
//
//go:embed wordnet.json
var treeJSON []byte

// Tree is the part of WordNet 3.0 that is above the classes. These have their own names in it: WordNet calls a suitcase
// and a handbag a bag.
func Tree() taxonomy.Tree {
	var t taxonomy.Memory
	if err := json.Unmarshal(treeJSON, &t); err != nil {
		panic("wordnet.json: " + err.Error())
	}
	return &t
}
