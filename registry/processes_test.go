package registry_test

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// Variables of a process that is a part of a test: the URL of the registry says
// which part, and the name tells it from others.
const (
	killedVariable = "CIDBENCH_REGISTRY_KILLED_URL"
	workerVariable = "CIDBENCH_REGISTRY_WORKER_URL"
	nameVariable   = "CIDBENCH_REGISTRY_NAME"
)

func TestMain(m *testing.M) {
	for variable, part := range map[string]func(url, name string) error{killedVariable: writeUntilKilled, workerVariable: work} {
		if url := os.Getenv(variable); url != "" {
			if err := part(url, os.Getenv(nameVariable)); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
			os.Exit(0)
		}
	}
	os.Exit(m.Run())
}

// A process is a copy of this one that plays a part.
type process struct {
	*exec.Cmd
	name  string
	stdin io.Closer
	lines *bufio.Reader
}

func start(t *testing.T, variable, url, name string) *process {
	t.Helper()
	executable, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), executable)
	cmd.Env = append(os.Environ(), variable+"="+url, nameVariable+"="+name)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return &process{cmd, name, stdin, bufio.NewReader(stdout)}
}

// line waits for the next line that the process prints.
func (p *process) line(t *testing.T) string {
	t.Helper()
	line, err := p.lines.ReadString('\n')
	if err != nil {
		t.Fatalf("%s ends early: %v", p.name, err)
	}
	return strings.TrimSuffix(line, "\n")
}

// rest waits for the end of the process, and returns the whole lines that it
// printed until then.
func (p *process) rest(t *testing.T) (lines []string, err error) {
	t.Helper()
	text, err := io.ReadAll(p.lines)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if line, whole := strings.CutSuffix(line, "\n"); whole {
			lines = append(lines, line)
		}
	}
	return lines, p.Wait()
}
