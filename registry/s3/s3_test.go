package s3_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/cidbench/cidbench/registry/s3"
	"github.com/cidbench/cidbench/registry/s3/s3test"
	"github.com/cidbench/cidbench/registry/store"
	"github.com/cidbench/cidbench/registry/store/storetest"
)

func TestMain(m *testing.M) {
	storetest.Main(m, func(url string) (store.Store, error) { return s3.Open(url) })
}

var prefixes atomic.Int64

// newPrefix is one that no other store has, and hard to escape.
func newPrefix() string { return fmt.Sprintf("Thesis 2026/ü+%%=&~/%d", prefixes.Add(1)) }

// openEmpty returns a function that opens empty stores on a server.
func openEmpty(server *s3test.Server) func(t *testing.T) store.Store {
	return func(t *testing.T) store.Store {
		return openURL(t, server.URL(newPrefix()))
	}
}

// s3Store opens an empty store whose requests pass through wrap.
func s3Store(t *testing.T, server *s3test.Server, wrap func(http.RoundTripper) http.RoundTripper) *s3.Store {
	t.Helper()
	config, err := s3.ParseURL(server.URL(newPrefix()))
	if err != nil {
		t.Fatal(err)
	}
	config.Transport, config.Journal = wrap, t.TempDir()
	return openStore(t, config)
}

func openStore(t *testing.T, config s3.Config) *s3.Store {
	t.Helper()
	s, err := s3.New(config)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func openURL(t *testing.T, url string) *s3.Store {
	t.Helper()
	s, err := s3.Open(url)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestVersitygw(t *testing.T) {
	storetest.Run(t, openEmpty(s3test.Start(t, s3test.Versitygw)))
}

func TestVersitygwProcesses(t *testing.T) {
	storetest.RunProcesses(t, openEmpty(s3test.Start(t, s3test.Versitygw)))
}

func TestMinIO(t *testing.T) {
	storetest.Run(t, openEmpty(s3test.Start(t, s3test.MinIO)))
}

func TestMinIOProcesses(t *testing.T) {
	storetest.RunProcesses(t, openEmpty(s3test.Start(t, s3test.MinIO)))
}

func TestConfigString(t *testing.T) {
	for _, url := range []string{
		"s3://b/p?endpoint=http%3A%2F%2F127.0.0.1%3A9000&region=eu-1", "s3://b?region=us-east-1", "s3://b/A%20b/%C3%BC?ca=x.pem&region=r",
	} {
		config, err := s3.ParseURL(url)
		if err != nil {
			t.Fatal(err)
		}
		again, err := s3.ParseURL(config.String())
		if err != nil || again.String() != config.String() {
			t.Errorf("%s becomes %s, then %s, %v", url, config, again, err)
		}
	}
}

func TestURLFails(t *testing.T) {
	for _, url := range []string{
		"s3://", "s3:///p", "s3://me:hush@b/p", "s3://b/p?secret_key=hush", "s3://b/p?endpoint=http://me:hush@host",
		"s3://b/p?endpoint=host:9000", "s3://b/p?endpoint=http://host/hush", "s3://b/p?endpoint=http://h&endpoint=http://hush",
		"s3://b/a/../b", "s3://b/a//b", "s3://b/.a", "s3://b/a%00", "s3://b/p?%zzhush", "s3://b/p#hush", "s3://b/" + strings.Repeat("x", 300),
		"s3://me:hu%zzsh@b", "s3://hush@b", "s3://hush:@b/p", "s3://b/p?hush=", "s3://b/p?hush", "s3://b?hush=hush&hush=hush",
	} {
		_, err := s3.Open(url)
		if err == nil {
			t.Errorf("%s is accepted", url)
		} else if strings.Contains(err.Error(), "hush") || strings.Contains(err.Error(), "zz") {
			t.Errorf("%s: the error repeats the secret: %v", url, err)
		}
	}
}

// FuzzParseURL: whatever is typed, a URL is taken as it is or refused without repeating a secret, and a
// configuration's own spelling means the same again.
func FuzzParseURL(f *testing.F) {
	f.Add("s3://bucket/prefix?endpoint=http://127.0.0.1:9000&region=x&ca=/file")
	f.Add("s3://user:hunter2@bucket/")
	f.Add("s3://b/../c?endpoint=%zz")
	f.Fuzz(func(t *testing.T, raw string) {
		c, err := s3.ParseURL(raw)
		if err != nil {
			if u, parseErr := url.Parse(raw); parseErr != nil || u.User != nil {
				if strings.Contains(raw, ":hunter2@") && strings.Contains(err.Error(), "hunter2") {
					t.Fatalf("the error repeats a password: %v", err)
				}
			}
			return
		}
		again, err := s3.ParseURL(c.String())
		if err != nil {
			t.Fatalf("%q means %+v, whose own spelling %q is refused: %v", raw, c, c.String(), err)
		}
		if again.String() != c.String() || again.Bucket != c.Bucket || again.Prefix != c.Prefix || again.Endpoint != c.Endpoint {
			t.Fatalf("%q means %+v, but its own spelling means %+v", raw, c, again)
		}
	})
}
