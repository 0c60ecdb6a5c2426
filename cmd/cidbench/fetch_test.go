package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"sync"
	"testing"
)

// TestMirrorsAreAskedFirst: those of --mirror in their order, and then the catalogue's address. A proxy of the test's own
// stands before that, so that nothing leaves the machine.
func TestMirrorsAreAskedFirst(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var lock sync.Mutex
	var asked []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		lock.Lock()
		defer lock.Unlock()
		if asked = append(asked, r.Method+" "+r.RequestURI); r.Method == http.MethodConnect {
			stop() // it would try again
		}
		http.NotFound(w, r)
	}))
	defer server.Close()
	cmd := exec.CommandContext(ctx, program(), "data", "fetch", "cifar10", "--data-dir", t.TempDir(), "--mirror", server.URL+"/first", "--mirror", server.URL+"/second")
	cmd.Env = append(os.Environ(), "HTTPS_PROXY="+server.URL, "NO_PROXY=", "no_proxy=")
	out, err := cmd.CombinedOutput()
	lock.Lock()
	defer lock.Unlock()
	if want := []string{"GET /first", "GET /second", "CONNECT www.cs.toronto.edu:443"}; err == nil || !slices.Equal(asked, want) {
		t.Errorf("asked for %q, want %q; %v\n%s", asked, want, err, out)
	}
}
