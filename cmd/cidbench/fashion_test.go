package main

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cidbench/cidbench/cli"
	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/report/stats"
)

// TestFashionMNISTIsNotJudged: raw pixels of these photographs do as well as what is trained on them, so whatever the arms
// show, nothing is judged on it. A part of the set is enough to see that.
func TestFashionMNISTIsNotJudged(t *testing.T) {
	if testing.Short() {
		t.Skip("the smoke tier is trained")
	}
	const debian = "/usr/share/datasets/fashion-mnist"
	if _, err := os.Stat(debian); err != nil {
		t.Skipf("NOT CHECKED: %v: apt-get install dataset-fashion-mnist", err)
	}
	dir := t.TempDir()
	for name, n := range map[string]uint32{
		"train-images-idx3-ubyte": 2000, "train-labels-idx1-ubyte": 2000, "t10k-images-idx3-ubyte": 1000, "t10k-labels-idx1-ubyte": 1000,
	} {
		if err := head(filepath.Join(debian, name+".gz"), filepath.Join(dir, name), n); err != nil {
			t.Fatal(err)
		}
	}
	data := t.TempDir()
	command := func(args ...string) (int, string, string) {
		var out, errs bytes.Buffer
		c := &cli.Console{Catalogue: published(t), Stdout: &out, Stderr: &errs, Args: append(args, "--data-dir", data)}
		return c.Run(t.Context()), out.String(), errs.String()
	}
	if code, _, errs := command("data", "import", dir, "--name", "clothes", "--size", "32"); code != 0 {
		t.Fatalf("exit %d: %s", code, errs)
	}
	code, out, errs := command("verify", "--data", "clothes", "--tier", "smoke", "--claim", "hardest5", "--seeds", "3", "--backend", "go", "--store", t.TempDir(), "--json")
	var r model.Report
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		t.Fatalf("exit %d: %v: %s", code, err, errs)
	}
	pixels := 0.0
	for _, f := range r.Floors {
		if f.ID == "pixels" {
			pixels = f.Mean
		}
	}
	if pixels < 60 {
		t.Errorf("raw pixels give %.1f%%", pixels)
	}
	if len(r.Claims) != 1 || r.Claims[0].Verdict != stats.Inconclusive || !strings.Contains(r.Claims[0].Reason, "floor") {
		t.Errorf("%+v", r.Claims)
	}
}

// head copies the first n items of a gzipped idx file.
func head(from, to string, n uint32) error {
	file, err := os.Open(from)
	if err != nil {
		return err
	}
	defer file.Close()
	unzipped, err := gzip.NewReader(file)
	if err != nil {
		return err
	}
	start := make([]byte, 8)
	if _, err := io.ReadFull(unzipped, start); err != nil {
		return err
	}
	binary.BigEndian.PutUint32(start[4:], n)
	item, sizes := 1, make([]byte, 4*(int(start[3])-1))
	if _, err := io.ReadFull(unzipped, sizes); err != nil {
		return err
	}
	for i := 0; i < len(sizes); i += 4 {
		item *= int(binary.BigEndian.Uint32(sizes[i:]))
	}
	items := make([]byte, int(n)*item)
	if _, err := io.ReadFull(unzipped, items); err != nil {
		return err
	}
	return os.WriteFile(to, bytes.Join([][]byte{start, sizes, items}, nil), 0o600)
}
