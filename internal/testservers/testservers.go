// Package testservers builds the programs that tests run as processes. Each is the tool of a module below this folder,
// so that neither its dependencies nor its licence become those of cidbench.
package testservers

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Build returns the executable of a program. The first use builds it, from the Go module proxy into Go's build cache.
// Errors are those of the go command, with what it said.
func Build(ctx context.Context, name string) (string, error) {
	module, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("go env GOMOD: %w", err)
	}
	dir := filepath.Join(filepath.Dir(strings.TrimSpace(string(module))), "internal", "testservers", name)
	cmd := exec.CommandContext(ctx, "go", "-C", dir, "tool", "-n", name)
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOEXPERIMENT=")
	var messages strings.Builder
	cmd.Stderr = &messages
	path, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%w\n%s", err, &messages)
	}
	return strings.TrimSpace(string(path)), nil
}
