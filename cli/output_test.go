package cli

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/cidbench/cidbench/study"
)

// A file is replaced as a whole and keeps its permissions, a link is followed, and what is no regular file stays what
// it is.
func TestWrite(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	var stdout bytes.Buffer
	c := &Console{Stdout: &stdout, Stderr: io.Discard}
	hello := func(w io.Writer) error { _, err := io.WriteString(w, "hello"); return err }

	if err := os.WriteFile(at("private"), []byte("old"), 0o640); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("private", at("link")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"new", "private", "link"} {
		if err := c.write("--output", at(name), hello); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if text, err := os.ReadFile(at(name)); string(text) != "hello" {
			t.Errorf("%s has %q (%v)", name, text, err)
		}
	}
	if info, err := os.Lstat(at("private")); err != nil || info.Mode() != 0o640 {
		t.Errorf("permissions were not kept: %v, %v", info, err)
	}
	if info, err := os.Lstat(at("link")); err != nil || info.Mode().Type() != os.ModeSymlink {
		t.Errorf("the link is gone: %v, %v", info, err)
	}

	if err := syscall.Mkfifo(at("pipe"), 0o644); err != nil {
		t.Fatal(err)
	}
	read := make(chan string)
	go func() {
		text, _ := os.ReadFile(at("pipe"))
		read <- string(text)
	}()
	if err := c.write("--output", at("pipe"), hello); err != nil {
		t.Error(err)
	}
	if got := <-read; got != "hello" {
		t.Errorf("%q went through the pipe", got)
	}
	if info, err := os.Lstat(at("pipe")); err != nil || info.Mode().Type() != os.ModeNamedPipe {
		t.Errorf("the pipe is gone: %v, %v", info, err)
	}

	if err := errors.Join(c.write("--output", "-", hello), c.write("--output", "", hello)); err != nil || stdout.String() != "hellohello" {
		t.Errorf("stdout has %q (%v)", &stdout, err)
	}

	if err := os.Symlink("nowhere", at("dangling")); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"": "is a folder", "dangling": "a link to a file that is not there", "no/such": "no such file"} {
		if err := c.write("--output", at(name), hello); !errors.As(err, new(study.UsageError)) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", name, err)
		}
	}

	// What fails half-way leaves what was there, and nothing beside it.
	before, _ := os.ReadDir(dir)
	fails := func(w io.Writer) error { _, _ = io.WriteString(w, "half"); return errors.New("full") }
	if err := c.write("--output", at("new"), fails); err == nil {
		t.Error("a failure was not told")
	}
	after, _ := os.ReadDir(dir)
	if text, _ := os.ReadFile(at("new")); string(text) != "hello" || len(after) != len(before) {
		t.Errorf("after a failure the file has %q, and there are %d files where there were %d", text, len(after), len(before))
	}
}
