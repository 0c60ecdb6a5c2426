package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/cidbench/cidbench/bench/analysis"
)

// drop takes a training out of evidence, and off its list too if it is to be unlisted: drop FROM TO [unlisted].
func drop(ts *testscript.TestScript, _ bool, args []string) {
	file, err := os.Open(ts.MkAbs(args[0]))
	ts.Check(err)
	defer file.Close()
	plain, err := gzip.NewReader(file)
	ts.Check(err)
	type entry struct {
		*tar.Header
		data []byte
	}
	var all []entry
	gone := ""
	for archive := tar.NewReader(plain); ; {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		ts.Check(err)
		data, err := io.ReadAll(archive)
		ts.Check(err)
		run, manifest := strings.CutSuffix(strings.TrimPrefix(h.Name, "runs/"), "/manifest.json")
		if gone == "" && manifest && !bytes.Contains(data, []byte(analysis.CountsType)) {
			gone = run
			continue
		}
		all = append(all, entry{h, data})
	}
	var out bytes.Buffer
	compressed := gzip.NewWriter(&out)
	archive := tar.NewWriter(compressed)
	for _, e := range all {
		if e.Name == "index/evidence.json" && slices.Contains(args, "unlisted") {
			e.data, err = unlisted(e.data, gone)
			ts.Check(err)
			e.Size = int64(len(e.data))
		}
		ts.Check(archive.WriteHeader(e.Header))
		_, err = archive.Write(e.data)
		ts.Check(err)
	}
	ts.Check(archive.Close())
	ts.Check(compressed.Close())
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), out.Bytes(), 0o644))
}

// unlisted is the list of evidence without a run.
func unlisted(list []byte, run string) ([]byte, error) {
	var members map[string]any
	if err := json.Unmarshal(list, &members); err != nil {
		return nil, err
	}
	members["runs"] = slices.DeleteFunc(members["runs"].([]any), func(x any) bool { return x.(map[string]any)["run"] == run })
	text, err := json.Marshal(members)
	return append(text, '\n'), err
}
