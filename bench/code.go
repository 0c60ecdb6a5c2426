package bench

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"go/scanner"
	"go/token"
	"io"
	"io/fs"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
)

// source is what determines the numbers of a run.
//
//go:embed augment/*.go dataset/*.go moco/*.go negatives/*.go nn/*.go probe/*.go rng/*.go safetensors/*.go cell.go
var source embed.FS

// analysisSource is what, beside source, determines those of an analysis.
//
//go:embed analysis/*.go taxonomy/*.go analyze.go
var analysisSource embed.FS

// numericModules are the libraries that determine the numbers of a run.
var numericModules = []string{"github.com/gomlx/compute", "github.com/gomlx/gomlx", "github.com/gomlx/go-xla", "gonum.org/v1/gonum"}

// Code is the digest of the source that determines the numbers of a run, and of the versions of the
// libraries it computes with. Comments, formatting and tests do not count; neither does the rest of
// cidbench, so a better report does not make anyone train again.
var Code = sync.OnceValue(func() string { return digest(source, "") })

// AnalysisCode is the same for analyses, which rest on Code.
var AnalysisCode = sync.OnceValue(func() string { return digest(analysisSource, Code()) })

func digest(source embed.FS, base string) string {
	h := sha256.New()
	io.WriteString(h, base) // a hash never fails to write
	err := fs.WalkDir(source, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := source.ReadFile(path)
		if err != nil {
			return err
		}
		fmt.Fprintf(h, "file %s\n", path)
		writeTokens(h, text)
		return nil
	})
	if err != nil {
		panic(err) // embedded files can be read
	}
	for name, version := range modules() {
		fmt.Fprintf(h, "module %s %s\n", name, version)
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil))
}

// writeTokens writes Go source without comments and layout.
func writeTokens(w io.Writer, text []byte) {
	var s scanner.Scanner
	files := token.NewFileSet()
	s.Init(files.AddFile("", files.Base(), len(text)), text, nil, 0)
	for {
		_, tok, literal := s.Scan()
		if tok == token.EOF {
			return
		}
		if tok == token.SEMICOLON {
			literal = "" // the scanner tells explicit from automatic ones; they mean the same
		}
		fmt.Fprintf(w, "%s %q\n", tok, literal)
	}
}

// modules yields the versions of the numeric libraries, in the order of numericModules.
func modules() func(yield func(name, version string) bool) {
	return func(yield func(name, version string) bool) {
		info, ok := debug.ReadBuildInfo()
		if !ok {
			return
		}
		for _, m := range info.Deps {
			if m.Replace != nil {
				m = m.Replace
			}
			if slices.Contains(numericModules, m.Path) && !yield(m.Path, m.Version) {
				return
			}
		}
	}
}
