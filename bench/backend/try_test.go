package backend

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// library builds a shared library from C, as the compiler that cgo uses does.
func library(t *testing.T, folder, name, source string) string {
	t.Helper()
	file, from := filepath.Join(folder, name), filepath.Join(t.TempDir(), "plugin.c")
	if err := os.WriteFile(from, []byte(source), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("gcc", "-shared", "-fPIC", "-o", file, from).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return file
}

// onLoad is a library that does something as soon as it is loaded.
func onLoad(does string) string {
	return "#include <stdio.h>\n#include <stdlib.h>\n#include <unistd.h>\n__attribute__((constructor)) static void load(void) { " + does + " }\n"
}

// TestTryFails: whatever is wrong with a plugin, this process lives and knows what it was.
func TestTryFails(t *testing.T) {
	folder := t.TempDir()
	text := filepath.Join(folder, "text.so")
	if err := os.WriteFile(text, []byte("not a library"), 0o644); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		path, reason string
	}{
		"absent":      {filepath.Join(folder, "absent.so"), "No such file"},
		"folder":      {folder, "annot read file data: Is a directory"},
		"text":        {text, "file too short"},
		"no function": {library(t, folder, "function.so", "int other;\n"), "it has no function GetPjrtApi"},
		"no plugin":   {library(t, folder, "null.so", "void *GetPjrtApi(void) { return 0; }\n"), "GetPjrtApi returns nothing"},
		"segfault":    {library(t, folder, "segfault.so", onLoad("*(volatile int *)8 = 1;")), "crashes: SIGSEGV"},
		"abort":       {library(t, folder, "abort.so", onLoad(`fputs("F1124 16:00:00.0 7 client.cc:1] Check failed: no driver\n", stderr); abort();`)), "crashes: SIGABRT: abort, Check failed: no driver"},
		"exit":        {library(t, folder, "exit.so", onLoad("_exit(0);")), "ends the process"},
		"chatter":     {library(t, folder, "chatter.so", onLoad(`puts("{\"devices\": [\"forged\"]}"); fflush(stdout); _exit(3);`)), "exit status 3"},
		"hang":        {library(t, folder, "hang.so", onLoad("for (;;) pause();")), "hangs: no answer within 3s"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := named("cpu", test.path)
			limit := tryLimit
			if name == "hang" {
				limit = 3 * time.Second
			}
			if err := try(t.Context(), limit, []*Plugin{p}); err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(p.Reason, test.reason) || len(p.Devices) > 0 || strings.Contains(p.Reason, "\n") {
				t.Errorf("reason %q, want %q; devices %q", p.Reason, test.reason, p.Devices)
			}
		})
	}
}

func TestTryIsCancelled(t *testing.T) {
	hangs := named("cpu", library(t, t.TempDir(), "hang.so", onLoad("for (;;) pause();")))
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if err := Try(ctx, hangs); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

// TestTryOnce: what was tried keeps its outcome.
func TestTryOnce(t *testing.T) {
	p := &Plugin{Path: "/absent", Kind: "cuda", Devices: []string{"a card"}}
	if err := Try(t.Context(), p); err != nil || p.Reason != "" {
		t.Errorf("%v, %+v", err, p)
	}
}
