package s3test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// build returns the executable of a program, from the cache where it is there.
func build(ctx context.Context, program Program) (string, error) {
	module, err := serverModule(ctx, program)
	if err != nil {
		return "", err
	}
	name, err := cacheName(program, module)
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(name); err == nil {
		return name, nil
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		return "", err
	}
	// Several test binaries may build at once; each gives its own the name.
	temp := fmt.Sprintf("%s.%d", name, os.Getpid())
	defer os.Remove(temp)
	cmd := exec.CommandContext(ctx, "go", "build", "-C", module, "-o", temp, program.pkg)
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOEXPERIMENT=")
	if output, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w\n%s", err, output)
	}
	return name, os.Rename(temp, name)
}

// serverModule is the folder of the module that names the version of a program.
func serverModule(ctx context.Context, program Program) (string, error) {
	output, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("go env GOMOD: %w", err)
	}
	return filepath.Join(filepath.Dir(strings.TrimSpace(string(output))), "internal", "testservers", program.name), nil
}

// cacheName depends on all that determines the executable.
func cacheName(program Program, module string) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	sum, err := os.ReadFile(filepath.Join(module, "go.sum"))
	if err != nil {
		return "", err
	}
	mod, err := os.ReadFile(filepath.Join(module, "go.mod"))
	if err != nil {
		return "", err
	}
	key := sha256.Sum256(bytes.Join([][]byte{mod, sum, []byte(runtime.Version())}, []byte{0}))
	return filepath.Join(cache, "cidbench", "testservers", program.name+"-"+hex.EncodeToString(key[:8])), nil
}
