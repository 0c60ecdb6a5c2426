package backend

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"
)

// Python is the python3 on the PATH.
type Python struct {
	Executable string `json:"executable"`
	Version    string `json:"version"` // "3.11.7"
	// Packages are those of the peers and of the wheels with plugins that are installed, with their versions.
	Packages map[string]string `json:"packages"`
	Path     []string          `json:"-"` // where it looks for packages
}

// peers are the packages that cidbench is compared with.
var peers = []string{"torch", "jax"}

// question asks for the versions of the packages that it is given, and imports none of them.
const question = `
import json, sys
from importlib import metadata
packages = {}
for name in sys.argv[1:]:
    try:
        packages[name] = metadata.version(name)
    except metadata.PackageNotFoundError:
        pass
print(json.dumps({"executable": sys.executable, "version": sys.version.split()[0], "packages": packages, "path": sys.path}))
`

// ErrNoPython says that there is no python3 on the PATH.
var ErrNoPython = errors.New("there is no python3 on the PATH")

// AskPython asks the python3 on the PATH what it is and what it has. Errors: ErrNoPython; that it did not answer.
func AskPython(ctx context.Context) (*Python, error) {
	program, err := exec.LookPath("python3")
	if err != nil {
		return nil, ErrNoPython
	}
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	args := append([]string{"-c", question}, peers...)
	for _, wheel := range wheels {
		args = append(args, wheel.distribution)
	}
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = "/" // sys.path begins with the current folder, which is not where packages are installed
	cmd.WaitDelay = time.Second
	var said strings.Builder
	cmd.Stderr = &said
	text, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w %s", program, err, oneLine(said.String()))
	}
	var answer struct {
		Python
		Path []string `json:"path"`
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		return nil, fmt.Errorf("%s gives no answer that can be read: %w", program, err)
	}
	python := answer.Python
	python.Path = answer.Path
	return &python, nil
}
