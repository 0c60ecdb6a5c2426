package s3_test

import (
	"bytes"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/cidbench/cidbench/registry/s3"
	"github.com/cidbench/cidbench/registry/s3/s3test"
	"github.com/cidbench/cidbench/registry/store"
	"github.com/cidbench/cidbench/registry/store/storetest"
)

// TestRefused probes servers that each lack one guarantee.
func TestRefused(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", s3test.AccessKey)
	t.Setenv("AWS_SECRET_ACCESS_KEY", s3test.SecretKey)
	for lack, says := range map[string]string{
		"put": "If-None-Match when an object is put", "match": "If-Match when an object is put",
		"complete": "If-None-Match when a multipart upload is completed", "checksum": "x-amz-checksum-sha256", "nothing": "",
		"permission": "refuses to put an object that is not there", "strong tags": "weak ETags", "parts": "refuses to complete",
	} {
		t.Run(lack, func(t *testing.T) {
			server := httptest.NewServer(&s3test.Naive{Lack: lack})
			defer server.Close()
			s := openURL(t, "s3://bucket/p?endpoint="+server.URL)
			err := s.Probe(t.Context())
			if says == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			storetest.WantErr(t, "Probe", err, store.ErrUnavailable)
			if !strings.Contains(fmt.Sprint(err), says) {
				t.Errorf("the error does not name the guarantee %q: %v", says, err)
			}
			storetest.WantErr(t, "Create", s.Create(t.Context(), "k", strings.NewReader(""), 0, store.DigestOf(nil)), store.ErrUnavailable)
		})
	}
}

// TestIgnoredRange: the rest of what was cut off is asked for, and all of it comes once more.
func TestIgnoredRange(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", s3test.AccessKey)
	t.Setenv("AWS_SECRET_ACCESS_KEY", s3test.SecretKey)
	naive := &s3test.Naive{Lack: "ranges"}
	server := httptest.NewServer(naive)
	defer server.Close()
	s := openURL(t, "s3://bucket/p?endpoint="+server.URL)
	data := []byte(strings.Repeat("0123456789", 5000))
	if err := s.Create(t.Context(), "k", bytes.NewReader(data), int64(len(data)), store.DigestOf(data)); err != nil {
		t.Fatal(err)
	}
	naive.Cut = 2
	if got, _, err := s.Load(t.Context(), "k"); err != nil || !bytes.Equal(got, data) {
		t.Errorf("Load = %d bytes, %v, want %d", len(got), err, len(data))
	}
	if naive.Cut != 0 {
		t.Errorf("%d answers were not cut", naive.Cut)
	}
}

// TestUnavailable wants the class and no secret in the errors of servers that
// are down, deny access, or have no such bucket.
func TestUnavailable(t *testing.T) {
	server := s3test.Start(t, s3test.Versitygw)
	url := server.URL("p")
	const mostRequests = 20 // a few attempts at each of a few requests
	open := func(what, url string) {
		t.Helper()
		config, err := s3.ParseURL(url)
		if err != nil {
			t.Fatal(err)
		}
		var requests atomic.Int64
		config.Transport = func(next http.RoundTripper) http.RoundTripper {
			return roundTripper(func(r *http.Request) (*http.Response, error) {
				requests.Add(1)
				return next.RoundTrip(r)
			})
		}
		err = openStore(t, config).Probe(t.Context())
		storetest.WantErr(t, what, err, store.ErrUnavailable)
		message := fmt.Sprint(err)
		if strings.Contains(message, s3test.SecretKey) || strings.Contains(message, "wrong-secret") || strings.Contains(message, s3test.AccessKey) {
			t.Errorf("%s: the error holds a credential: %s", what, message)
		}
		if n := requests.Load(); n > mostRequests {
			t.Errorf("%s: it takes %d requests to say so", what, n)
		}
	}
	open("no such bucket", strings.Replace(url, "s3://tests", "s3://other", 1))
	t.Setenv("AWS_SECRET_ACCESS_KEY", "wrong-secret-0123456789")
	open("wrong secret", url)
	t.Setenv("AWS_ACCESS_KEY_ID", "unknown-key")
	open("unknown key", url)
	server.Kill()
	open("server down", url)
}

func TestCustomCA(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", s3test.AccessKey)
	t.Setenv("AWS_SECRET_ACCESS_KEY", s3test.SecretKey)
	server := httptest.NewUnstartedServer(new(s3test.Naive))
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // of clients that do not trust it
	server.StartTLS()
	defer server.Close()
	url := "s3://bucket/p?endpoint=" + server.URL
	storetest.WantErr(t, "unknown authority", openURL(t, url).Probe(t.Context()), store.ErrUnavailable)

	ca := filepath.Join(t.TempDir(), "ca.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(ca, text, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := openURL(t, url+"&ca="+ca).Create(t.Context(), "k", strings.NewReader(""), 0, store.DigestOf(nil)); err != nil {
		t.Error(err)
	}
	for _, bad := range []string{ca + ".absent", os.DevNull} {
		if _, err := s3.Open(url + "&ca=" + bad); err == nil {
			t.Errorf("the authorities in %s are accepted", bad)
		}
	}
}

// TestCredentials takes them from each place of the usual chain.
func TestCredentials(t *testing.T) {
	server := s3test.Start(t, s3test.Versitygw)
	url := server.URL("p")
	for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"} {
		t.Setenv(name, "") // restored at the end
		os.Unsetenv(name)
	}
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Run("MinIO environment", func(t *testing.T) {
		t.Setenv("MINIO_ROOT_USER", s3test.AccessKey)
		t.Setenv("MINIO_ROOT_PASSWORD", s3test.SecretKey)
		storetest.WantErr(t, "Probe", openURL(t, url).Probe(t.Context()), nil)
	})
	t.Run("AWS file", func(t *testing.T) {
		text := fmt.Sprintf("[default]\naws_access_key_id = %s\naws_secret_access_key = %s\n", s3test.AccessKey, s3test.SecretKey)
		path := filepath.Join(t.TempDir(), "credentials")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		t.Setenv("AWS_SHARED_CREDENTIALS_FILE", path)
		storetest.WantErr(t, "Probe", openURL(t, url).Probe(t.Context()), nil)
	})
	t.Run("mc", func(t *testing.T) {
		text := fmt.Sprintf(`{"version":"10","aliases":{"s3":{"url":"x","accessKey":%q,"secretKey":%q,"api":"S3v4"}}}`, s3test.AccessKey, s3test.SecretKey)
		if err := os.Mkdir(filepath.Join(home, ".mc"), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(home, ".mc", "config.json"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		storetest.WantErr(t, "Probe", openURL(t, url).Probe(t.Context()), nil)
	})
}
