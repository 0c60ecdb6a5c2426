package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/report/write"
)

// Console is all that a command may touch of the world.
type Console struct {
	Catalogue *bench.Catalogue
	Name      string // of the program in what it prints; empty means cidbench
	Args      []string
	Getenv    func(string) string // nil: nothing is set
	Stdin     io.Reader
	Stdout    io.Writer // the result
	Stderr    io.Writer // progress and errors
	// Terminal says that Stderr is one: progress may redraw itself.
	Terminal bool
	// Text fits reports to Stdout, if that is a terminal.
	Text write.TextOptions
}

func (c *Console) getenv(name string) string {
	if c.Getenv == nil {
		return ""
	}
	return c.Getenv(name)
}

// command is what the user typed without the place of the registry, which is nobody's business but the user's.
func (c *Console) command() []string {
	command := []string{c.Name}
	for i := 0; i < len(c.Args); i++ {
		switch {
		case c.Args[i] == "--store":
			i++
		case !strings.HasPrefix(c.Args[i], "--store="):
			command = append(command, c.Args[i])
		}
	}
	return command
}

// examples are commands of this program, for help texts.
func (c *Console) examples(commands ...string) string {
	lead := "  " + c.Name + " "
	return lead + strings.Join(commands, "\n"+lead)
}

// Say prints a line on stderr.
func (c *Console) Say(line string) { fmt.Fprintln(c.Stderr, line) }

func (c *Console) printJSON(v any) error {
	text := json.NewEncoder(c.Stdout)
	text.SetEscapeHTML(false)
	text.SetIndent("", "  ")
	return text.Encode(v)
}

// counter shows how far a long command is: a line every few seconds, on stderr.
func (c *Console) counter(what string) func(done, total int) {
	last := time.Now()
	return func(done, total int) {
		if now := time.Now(); now.Sub(last) >= 5*time.Second || done == total && now.Sub(last) >= time.Second {
			last = now
			fmt.Fprintf(c.Stderr, "%s: %d of %d\n", what, done, total)
		}
	}
}

// write writes to the file that a flag names, whole or not at all, or to stdout if that is empty.
func (c *Console) write(flag, file string, give func(io.Writer) error) error {
	if file == "" {
		return give(c.Stdout)
	}
	temp, err := os.CreateTemp(filepath.Dir(file), ".cidbench-*")
	if err != nil {
		return usagef("%s: %w", flag, err)
	}
	defer os.Remove(temp.Name()) // gone already if all went well
	if err := errors.Join(give(temp), temp.Chmod(0o644), temp.Close()); err != nil {
		return err
	}
	if err := os.Rename(temp.Name(), file); err != nil {
		return usagef("%s: %w", flag, err)
	}
	return nil
}

// content is for write.
func content(text []byte) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := w.Write(text)
		return err
	}
}
