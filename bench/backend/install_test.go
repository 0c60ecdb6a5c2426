package backend_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/cidbench/cidbench/bench/backend"
	"github.com/cidbench/cidbench/bench/backend/backendtest"
)

// releases stands for the servers that go-xla's installer asks, which knows no others.
type releases struct {
	install backend.Install
	asset   func() (status int, archive io.ReadCloser)
}

func (r releases) RoundTrip(request *http.Request) (*http.Response, error) {
	name := fmt.Sprintf("https://github.com/a/releases/download/pjrt_cpu_%s_%s.tar.gz", runtime.GOOS, runtime.GOARCH)
	answer := func(status int, body io.ReadCloser) (*http.Response, error) {
		return &http.Response{StatusCode: status, Status: http.StatusText(status), Body: body, ContentLength: -1, Request: request}, nil
	}
	switch url := request.URL.String(); {
	case url == name:
		return answer(r.asset())
	case strings.HasPrefix(url, "https://api.github.com/") && strings.HasSuffix(url, "/releases/tags/"+r.install.Version):
		return answer(http.StatusOK, io.NopCloser(strings.NewReader(fmt.Sprintf(`{"assets": [{"browser_download_url": %q}]}`, name))))
	}
	return nil, errors.New("nobody answers")
}

// archive packs a file under the plugin's name, as a release does.
func archive(t *testing.T, install backend.Install, file string) io.ReadCloser {
	from, to := io.Pipe()
	go func() {
		zipped, _ := gzip.NewWriterLevel(to, gzip.NoCompression)
		packed := tar.NewWriter(zipped)
		content, err := os.Open(file)
		if err != nil {
			t.Error(err)
			_ = to.CloseWithError(err)
			return
		}
		defer content.Close()
		info, err := content.Stat()
		if err == nil {
			err = packed.WriteHeader(&tar.Header{Name: fmt.Sprintf("pjrt_c_api_cpu_%s_plugin.so", install.Version), Mode: 0o755, Size: info.Size(), Typeflag: tar.TypeReg})
		}
		if err == nil {
			_, err = io.Copy(packed, content)
		}
		_ = to.CloseWithError(errors.Join(err, packed.Close(), zipped.Close()))
	}()
	return from
}

// TestInstall: what a release holds is unpacked, tried, and found from then on; what fails says why, and the next
// installation begins anew.
func TestInstall(t *testing.T) {
	plugin := backendtest.XLA(t).Plugin.Path
	home, stray := t.TempDir(), filepath.Join(t.TempDir(), "stray.so")
	for name, value := range map[string]string{"HOME": home, "XDG_CACHE_HOME": filepath.Join(home, "cache"), "TMPDIR": home, "PATH": home, "LD_LIBRARY_PATH": ""} {
		t.Setenv(name, value)
	}
	if err := os.WriteFile(stray, []byte("not a library"), 0o644); err != nil {
		t.Fatal(err)
	}
	install, err := backend.CPUInstall()
	if err != nil {
		t.Skipf("NOT CHECKED: %v", err)
	}
	serve := func(t *testing.T, asset func() (int, io.ReadCloser)) {
		before := http.DefaultTransport
		http.DefaultTransport = releases{install, asset}
		t.Cleanup(func() { http.DefaultTransport = before })
	}
	refused := func(t *testing.T, want ...string) {
		t.Helper()
		_, err := install.Do(t.Context())
		for _, part := range want {
			if err == nil || !strings.Contains(err.Error(), part) {
				t.Errorf("got %v, want %q", err, part)
			}
		}
		t.Log(err)
	}
	t.Run("no archive", func(t *testing.T) {
		serve(t, func() (int, io.ReadCloser) {
			return http.StatusNotFound, io.NopCloser(strings.NewReader("no such page"))
		})
		refused(t, install.From, "gzip")
	})
	t.Run("half an archive", func(t *testing.T) {
		whole, err := io.ReadAll(archive(t, install, stray))
		if err != nil {
			t.Fatal(err)
		}
		serve(t, func() (int, io.ReadCloser) {
			return http.StatusOK, io.NopCloser(bytes.NewReader(whole[:len(whole)/2]))
		})
		refused(t, install.From, "EOF")
	})
	t.Run("a plugin that does not work", func(t *testing.T) {
		serve(t, func() (int, io.ReadCloser) { return http.StatusOK, archive(t, install, stray) })
		refused(t, install.To, "does not work", "file too short", "remove it")
		if err := os.RemoveAll(install.To); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("interrupted", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		from, to := io.Pipe()
		serve(t, func() (int, io.ReadCloser) { cancel(); return http.StatusOK, from })
		if _, err := install.Do(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		_ = to.CloseWithError(errors.New("interrupted"))
	})
	t.Run("a plugin", func(t *testing.T) {
		stdout, err := os.Create(filepath.Join(home, "stdout"))
		if err != nil {
			t.Fatal(err)
		}
		defer stdout.Close()
		defer func(before *os.File) { os.Stdout = before }(os.Stdout)
		os.Stdout = stdout
		serve(t, func() (int, io.ReadCloser) { return http.StatusOK, archive(t, install, plugin) })
		p, err := install.Do(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		b, err := backend.Choose(t.Context(), "xla:cpu")
		if err != nil || filepath.Dir(b.Plugin.Path) != install.To || b.Plugin.Label() != p.Label() {
			t.Errorf("found is %+v, %v; installed was %+v", b.Plugin, err, p)
		}
		if info, err := stdout.Stat(); err != nil || info.Size() > 0 {
			t.Errorf("it prints %d bytes, %v", info.Size(), err)
		}
	})
	t.Run("again", func(t *testing.T) { // without asking anyone
		serve(t, nil)
		if _, err := install.Do(t.Context()); err != nil {
			t.Error(err)
		}
	})
}
