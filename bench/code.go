package bench

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"strings"
	"sync"
)

//go:embed *.go */*.go
var source embed.FS

// Code is the digest of the source of the engine and the methods, tests left out. It goes into manifests as
// provenance: what decides whether a run is the same are the versions in its key.
var Code = sync.OnceValue(func() string {
	h := sha256.New()
	err := fs.WalkDir(source, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := source.ReadFile(path)
		fmt.Fprintf(h, "file %s, %d bytes\n%s", path, len(text), text)
		return err
	})
	if err != nil {
		panic(err) // embedded files can be read
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil))
})
