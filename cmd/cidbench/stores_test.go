package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestBucketsThatRefuse: of a bucket that may be read and not written, and of a clock that is minutes off, the program says
// what is wrong, with the exit code of a store.
func TestBucketsThatRefuse(t *testing.T) {
	for _, c := range []struct {
		name    string
		says    []string
		refuses func(*http.Request) (code string)
	}{
		{"read-only", []string{"check that it can be reached and written to", "storage unavailable: Access denied by policy"}, func(r *http.Request) string {
			if r.Method != http.MethodGet && r.Method != http.MethodHead {
				return "AccessDenied"
			}
			return ""
		}},
		{"clock", []string{"the clock of this machine is minutes off the server's"}, func(*http.Request) string { return "RequestTimeTooSkewed" }},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				status, code := http.StatusForbidden, c.refuses(r)
				switch {
				case code != "":
				case r.URL.Query().Has("list-type"):
					fmt.Fprint(w, "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>")
					return
				default:
					status, code = http.StatusNotFound, "NoSuchKey"
				}
				w.WriteHeader(status)
				fmt.Fprintf(w, "<Error><Code>%s</Code><Message>Access denied by policy</Message></Error>", code)
			}))
			defer server.Close()
			cmd := exec.Command(program(), append([]string{"run", "--store", "s3://bucket/runs?endpoint=" + server.URL}, oneSeed...)...)
			cmd.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID=a", "AWS_SECRET_ACCESS_KEY=b")
			out, _ := cmd.CombinedOutput()
			if code := cmd.ProcessState.ExitCode(); code != 7 {
				t.Errorf("exit code %d, want 7:\n%s", code, out)
			}
			for _, says := range c.says {
				if !strings.Contains(string(out), says) {
					t.Errorf("it does not say %q:\n%s", says, out)
				}
			}
		})
	}
}
