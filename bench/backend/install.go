package backend

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"

	"github.com/gomlx/go-xla/installer"
	"github.com/gomlx/go-xla/pjrt"
)

// Install is an installation of XLA's CPU plugin by go-xla's installer.
type Install struct {
	Version string // of the plugin, which this version of go-xla was tested with
	From    string // the URL of the release
	To      string // the folder, where Find looks
}

// userLibrary is where go-xla installs for one user; empty if there is no such place.
func userLibrary() string {
	library, err := installer.DefaultHomeLibPath()
	if err != nil {
		return ""
	}
	return library
}

// CPUInstall says what an installation would do. It is an error where there is no plugin for the platform, or no home.
func CPUInstall() (Install, error) {
	if platform := runtime.GOOS + "_" + runtime.GOARCH; !slices.Contains(installer.CPUSupportedPlatforms, platform) {
		return Install{}, fmt.Errorf("go-xla has no CPU plugin for %s", platform)
	}
	library, err := installer.DefaultHomeLibPath()
	if err != nil {
		return Install{}, err
	}
	return Install{
		Version: pjrt.DefaultCPUVersion, To: filepath.Join(library, "go-xla"),
		From: fmt.Sprintf("https://github.com/%s/releases/tag/%s", installer.BinaryCPUReleasesRepo, pjrt.DefaultCPUVersion),
	}, nil
}

// Do downloads and unpacks the plugin, unless it is there, and tries it. Errors: go-xla's, of the network and the disk; that
// the plugin does not work; the context's, which leaves the download behind.
func (i Install) Do(ctx context.Context) (*Plugin, error) {
	if err := os.MkdirAll(i.To, 0o755); err != nil {
		return nil, err
	}
	// Its progress goes to stdout even where it is quiet, and that belongs to results.
	stdout := os.Stdout
	os.Stdout = os.Stderr
	defer func() { os.Stdout = stdout }()
	done := make(chan error, 1)
	// Not by way of go-xla's cache, where what is broken would stay: no digest is known, and any answer is taken for the archive.
	go func() { done <- installer.CPUAutoInstall(i.To, false, installer.Quiet) }()
	select {
	case err := <-done:
		if err != nil {
			return nil, fmt.Errorf("installing %s: %w", i.From, err)
		}
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	p := named("cpu", filepath.Join(i.To, fmt.Sprintf("pjrt_c_api_cpu_%s_plugin.so", i.Version)))
	if err := Try(ctx, p); err != nil {
		return nil, err
	}
	if p.Reason != "" {
		return nil, fmt.Errorf("the plugin was installed at %s, but does not work: %s; remove it, or another installation takes it as it is", p.Path, p.Reason)
	}
	return p, nil
}
