package fetch

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cidbench/cidbench/bench/dataset"
)

// TestSecrets: neither what is said, nor an error, nor a file has what may be secret in an address.
func TestSecrets(t *testing.T) {
	secret := func(address string) string {
		return strings.Replace(address, "//", "//me:SECRET@", 1) + "/x?token=SECRET#SECRET"
	}
	closed := serve(t, honest)
	closed.Close()
	for name, address := range map[string]string{
		"refused": secret(closed.URL), "busy": secret(serve(t, says(503, "X", "", "")).URL), "gone": secret(serve(t, says(404, "X", "", "")).URL),
		"cut": secret(serve(t, cutting(100_000)).URL), "away": secret(serve(t, says(302, "Location", "http://me:SECRET@example.com/x?token=SECRET", "")).URL),
		"nowhere": secret(serve(t, says(302, "Location", "http://SECRET:%zz", "")).URL), "not https": "ftp://me:SECRET@host/x?SECRET", "no URL": "https://%zzSECRET",
		"stalling": secret(serve(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }).URL),
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			told := ""
			c := Client{Stall: 100 * time.Millisecond, Tries: 2, Wait: time.Millisecond, Say: func(line string) { told += line }}
			err := c.Get(t.Context(), file(address), filepath.Join(dir, "file"))
			// What is cut arrives in the end.
			if name != "cut" && !errors.Is(err, ErrUnavailable) || strings.Contains(told+fmt.Sprint(err), "SECRET") {
				t.Errorf("it is said: %s; %v", told, err)
			}
			files, _ := filepath.Glob(filepath.Join(dir, "*"))
			for _, name := range files {
				if text, err := os.ReadFile(name); err != nil || bytes.Contains(text, []byte("SECRET")) {
					t.Errorf("%s holds %q, %v", name, text, err)
				}
			}
		})
	}
}

// content is what is to be had: 200,000 bytes that repeat nowhere near.
var content = func() []byte {
	out := make([]byte, 0, 200_000)
	for i := 0; len(out) < 200_000; i++ {
		sum := sha256.Sum256([]byte{byte(i), byte(i >> 8)})
		out = append(out, sum[:]...)
	}
	return out[:200_000]
}()

func file(urls ...string) File {
	sum := sha256.Sum256(content)
	return File{URLs: urls, Digest: "sha256:" + hex.EncodeToString(sum[:])}
}

// server is one that answers the first requests in some ways, the last of which it keeps to. It takes note of the
// ranges that it is asked for.
type server struct {
	*httptest.Server
	mu     sync.Mutex
	ranges []string
}

func serve(t *testing.T, ways ...http.HandlerFunc) *server {
	s := &server{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		way := ways[min(len(s.ranges), len(ways)-1)]
		s.ranges = append(s.ranges, r.Header.Get("Range"))
		s.mu.Unlock()
		way(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

// honest serves the file as servers do: with a validator, and parts of it.
func honest(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("ETag", `"one"`)
	http.ServeContent(w, r, "file", time.Time{}, bytes.NewReader(content))
}

// cutting serves so many bytes of what it was asked for, and drops the connection.
func cutting(bytes int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		honest(&short{w, bytes}, r)
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
}

type short struct {
	http.ResponseWriter
	left int
}

func (s *short) Write(p []byte) (int, error) {
	n := min(len(p), s.left)
	s.left -= n
	if _, err := s.ResponseWriter.Write(p[:n]); err != nil {
		return 0, err
	}
	return len(p), nil
}

func says(status int, header, value, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set(header, value)
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}
}

func stalling(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Length", "200000")
	w.Header().Set("ETag", `"one"`)
	_, _ = w.Write(content[:1000])
	w.(http.Flusher).Flush()
	<-r.Context().Done()
}

// quick has no patience.
var quick = Client{Stall: 300 * time.Millisecond, Wait: time.Millisecond, Tries: 3}

// get downloads to a new path.
func get(t *testing.T, f File) (string, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "folder", "file")
	return path, quick.Get(t.Context(), f, path)
}

// TestArrives: whatever a server does on the way, what arrives in the end is the file.
func TestArrives(t *testing.T) {
	corrupt := func(w http.ResponseWriter, _ *http.Request) {
		wrong := bytes.Clone(content)
		wrong[500] ^= 1
		_, _ = w.Write(wrong)
	}
	changed := func(w http.ResponseWriter, r *http.Request) { // the file has another validator now, and the same bytes
		w.Header().Set("ETag", `"two"`)
		http.ServeContent(w, r, "file", time.Time{}, bytes.NewReader(content))
	}
	weak := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `W/"one"`)
		w.Header().Set("Content-Length", "200000")
		_, _ = w.Write(content[:1000])
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
	for name, c := range map[string]struct {
		ways   []http.HandlerFunc
		ranges []string // that were asked for
	}{
		"at once": {[]http.HandlerFunc{honest}, []string{""}},
		"cut":     {[]http.HandlerFunc{cutting(70_000), honest}, []string{"", "bytes=70000-"}},
		"cut more often than there are tries": {[]http.HandlerFunc{cutting(40_000), cutting(40_000), cutting(40_000), cutting(40_000), honest},
			[]string{"", "bytes=40000-", "bytes=80000-", "bytes=120000-", "bytes=160000-"}},
		"cut, no parts":    {[]http.HandlerFunc{cutting(70_000), says(200, "X", "", string(content))}, []string{"", "bytes=70000-"}},
		"cut, changed":     {[]http.HandlerFunc{cutting(70_000), changed}, []string{"", "bytes=70000-"}},
		"cut, weak":        {[]http.HandlerFunc{weak, honest}, []string{"", ""}},
		"cut, range":       {[]http.HandlerFunc{cutting(70_000), says(416, "X", "", ""), honest}, []string{"", "bytes=70000-", ""}},
		"stalled":          {[]http.HandlerFunc{stalling, honest}, []string{"", "bytes=1000-"}},
		"busy":             {[]http.HandlerFunc{says(503, "X", "", "later"), honest}, []string{"", ""}},
		"length too large": {[]http.HandlerFunc{says(200, "Content-Length", "300000", string(content)), honest}, []string{"", ""}},
		"corrupt once":     {[]http.HandlerFunc{corrupt, honest}, []string{""}},
	} {
		s := serve(t, c.ways...)
		path, err := get(t, file(s.URL))
		if name == "corrupt once" { // is not asked again: it would lie again
			if !errors.Is(err, dataset.ErrDigest) || !errors.Is(err, ErrUnavailable) {
				t.Errorf("%s: %v", name, err)
			}
			if left, _ := os.ReadDir(filepath.Dir(path)); len(left) > 0 {
				t.Errorf("%s: %v are left", name, left)
			}
			continue
		}
		got, readErr := os.ReadFile(path)
		if err != nil || readErr != nil || !bytes.Equal(got, content) {
			t.Errorf("%s: %v, %d bytes", name, errors.Join(err, readErr), len(got))
			continue
		}
		if !slices.Equal(s.ranges, c.ranges) {
			t.Errorf("%s: asked for %q, want %q", name, s.ranges, c.ranges)
		}
		if left, err := os.ReadDir(filepath.Dir(path)); err != nil || len(left) != 1 {
			t.Errorf("%s: %v are left, %v", name, left, err)
		}
	}
}

// TestRefused: what no file can come of ends with an error that says why, and in time.
func TestRefused(t *testing.T) {
	endless := func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			if _, err := w.Write(content); err != nil {
				return
			}
		}
	}
	wrongPart := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Range", "bytes 0-199999/200000")
		w.WriteHeader(http.StatusPartialContent)
		_, _ = w.Write(content)
	}
	known := func(f File) File { f.Bytes = int64(len(content)); return f }
	loop := serve(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/again", http.StatusFound) })
	for name, c := range map[string]struct {
		file File
		says string
	}{
		"not found":       {file(serve(t, says(404, "X", "", "")).URL), "404"},
		"forbidden":       {file(serve(t, says(403, "X", "", "")).URL), "403"},
		"always busy":     {file(serve(t, says(500, "X", "", "")).URL), "500"},
		"always stalling": {file(serve(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }).URL), "nothing came for 300ms"},
		"other length":    {known(file(serve(t, says(200, "Content-Length", "5", "hello")).URL)), "5 bytes; want 200000"},
		"endless":         {known(file(serve(t, endless).URL)), "more than 200000 bytes came"},
		"wrong part":      {file(serve(t, cutting(1000), wrongPart).URL), `the answer has "bytes 0-199999/200000"`},
		"page":            {file(serve(t, says(200, "X", "", "<html>log in")).URL), "not what its digest says"},
		"plain http":      {file("http://example.com/file"), "only https"},
		"redirected":      {file(serve(t, says(302, "Location", "http://example.com/file", "")).URL), "redirected: http://example.com/file: only https"},
		"file":            {file("file:///etc/passwd"), "only https"},
		"loop":            {file(loop.URL), "10 redirects"},
		"nobody":          {file("http://localhost:1/file"), "connect"},
		"no address":      {file(), ErrUnavailable.Error()},
	} {
		path, err := get(t, c.file)
		if !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v does not say %q", name, err, c.says)
		}
		if _, err := os.Stat(path); err == nil {
			t.Errorf("%s: there is a file", name)
		}
	}
}

func TestMirrors(t *testing.T) {
	away, wrong, good := serve(t, says(404, "X", "", "")), serve(t, says(200, "X", "", "another file")), serve(t, honest)
	moved := serve(t, says(302, "Location", good.URL, "")) // on this machine
	for _, urls := range [][]string{{away.URL, good.URL}, {wrong.URL, good.URL}, {away.URL, wrong.URL, moved.URL}} {
		path, err := get(t, file(urls...))
		if got, readErr := os.ReadFile(path); err != nil || readErr != nil || !bytes.Equal(got, content) {
			t.Errorf("%v: %v", urls, errors.Join(err, readErr))
		}
	}
	// A part from one address is not gone on with from another, which may have another file.
	cut := serve(t, cutting(1000), says(404, "X", "", ""))
	if _, err := get(t, file(cut.URL, good.URL)); err != nil {
		t.Error(err)
	}
	if last := good.ranges[len(good.ranges)-1]; last != "" {
		t.Errorf("the mirror was asked for %q", last)
	}
}

// TestInterrupted: a cancelled download keeps its part, and the next one goes on from there; what is there is not
// asked for.
func TestInterrupted(t *testing.T) {
	s := serve(t, stalling, honest)
	path := filepath.Join(t.TempDir(), "file")
	ctx, cancel := context.WithCancel(t.Context())
	client := quick
	client.Stall = time.Minute
	client.Progress = func(done, total int64) {
		if done == 1000 && total == 200_000 {
			cancel()
		}
	}
	if err := client.Get(ctx, file(s.URL), path); !errors.Is(err, context.Canceled) {
		t.Fatalf("cancelled: %v", err)
	}
	for range 2 {
		if err := quick.Get(t.Context(), file(s.URL), path); err != nil {
			t.Fatal(err)
		}
	}
	if want := []string{"", "bytes=1000-"}; !slices.Equal(s.ranges, want) {
		t.Errorf("asked for %q, want %q", s.ranges, want)
	}
	if err := Is(path, "sha256:00"); !errors.Is(err, dataset.ErrDigest) {
		t.Errorf("another digest: %v", err)
	}
}
