package registry_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cidbench/cidbench/registry"
	"github.com/cidbench/cidbench/registry/s3test"
)

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func closeBody(r *http.Request) {
	if r.Body != nil {
		r.Body.Close()
	}
}

// The faults: each does what goes wrong with one request.
var faults = map[string]func(next http.RoundTripper, r *http.Request) (*http.Response, error){
	"lost answer": func(next http.RoundTripper, r *http.Request) (*http.Response, error) {
		response, err := next.RoundTrip(r)
		if err == nil {
			io.Copy(io.Discard, response.Body)
			response.Body.Close()
		}
		return nil, syscall.ECONNRESET
	},
	"reset before": func(_ http.RoundTripper, r *http.Request) (*http.Response, error) {
		closeBody(r)
		return nil, syscall.ECONNRESET
	},
	"503": func(_ http.RoundTripper, r *http.Request) (*http.Response, error) {
		closeBody(r)
		return &http.Response{
			StatusCode: http.StatusServiceUnavailable, Header: make(http.Header), Request: r,
			Body: io.NopCloser(strings.NewReader("<Error><Code>SlowDown</Code><Message>Reduce your rate.</Message></Error>")),
		}, nil
	},
	"cut off": func(next http.RoundTripper, r *http.Request) (*http.Response, error) {
		if r.Body != nil && r.ContentLength > 1 {
			r.Body = io.NopCloser(io.LimitReader(r.Body, r.ContentLength/2))
			return next.RoundTrip(r)
		}
		response, err := next.RoundTrip(r)
		if err == nil && response.ContentLength > 1 && r.Method == http.MethodGet && r.URL.RawQuery == "" {
			response.Body = struct {
				io.Reader
				io.Closer
			}{io.LimitReader(response.Body, response.ContentLength/2), response.Body}
		}
		return response, err
	},
	"flipped on the way there": func(next http.RoundTripper, r *http.Request) (*http.Response, error) {
		if r.Body != nil && r.Method == http.MethodPut {
			r.Body = &flipper{r.Body}
		}
		return next.RoundTrip(r)
	},
}

// A flipper flips a bit of what is read.
type flipper struct{ io.ReadCloser }

func (f *flipper) Read(p []byte) (int, error) {
	n, err := f.ReadCloser.Read(p)
	if n > 0 {
		p[n/2] ^= 4
	}
	return n, err
}

// TestS3Faults lets every third request go wrong, in each way, and wants the
// store to behave as if none had.
func TestS3Faults(t *testing.T) {
	server := s3test.Start(t, s3test.Versitygw)
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			var requests, faulty atomic.Int64
			s := s3Store(t, server, func(next http.RoundTripper) http.RoundTripper {
				return roundTripper(func(r *http.Request) (*http.Response, error) {
					if requests.Add(1)%3 != 0 {
						return next.RoundTrip(r)
					}
					faulty.Add(1)
					return fault(next, r)
				})
			})
			ctx := t.Context()
			var version registry.Version
			for i := range 4 {
				key, data := fmt.Sprintf("k/%d", i), bytes.Repeat(fmt.Appendf(nil, "%d ", i), 5000)
				create := func(data []byte) error {
					return s.Create(ctx, key, bytes.NewReader(data), int64(len(data)), registry.DigestOf(data))
				}
				if err := create(data); err != nil {
					t.Fatal(err)
				}
				wantErr(t, "other bytes", create(data[1:]), registry.ErrExist)
				if got, _, err := s.Load(ctx, key); err != nil || !bytes.Equal(got, data) {
					t.Errorf("Load = %d bytes, %v, want %d", len(got), err, len(data))
				}
				var err error
				if version, err = s.Swap(ctx, "counter", version, fmt.Append(nil, i)); err != nil {
					t.Fatal(err)
				}
				_, err = s.Swap(ctx, "counter", "0123456789abcdef0123456789abcdef", []byte("x"))
				wantErr(t, "swap of another version", err, registry.ErrConflict)
			}
			if got, _, err := s.Load(ctx, "counter"); err != nil || string(got) != "3" {
				t.Errorf("the counter is %q, %v", got, err)
			}
			if n := len(collect(t, s.List(ctx, "k/"))); n != 4 {
				t.Errorf("%d objects, want 4", n)
			}
			if faulty.Load() < 5 {
				t.Errorf("%d requests went wrong, want more", faulty.Load())
			}
		})
	}
}

// TestS3AlwaysFlipped wants an integrity failure and no object where every body
// is damaged on its way.
func TestS3AlwaysFlipped(t *testing.T) {
	var damage atomic.Bool
	s := s3Store(t, s3test.Start(t, s3test.Versitygw), func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(r *http.Request) (*http.Response, error) {
			if damage.Load() {
				return faults["flipped on the way there"](next, r)
			}
			return next.RoundTrip(r)
		})
	})
	if err := s.Probe(t.Context()); err != nil {
		t.Fatal(err)
	}
	damage.Store(true)
	data := bytes.Repeat([]byte("x"), 3<<20)
	err := s.Create(t.Context(), "k", bytes.NewReader(data), int64(len(data)), registry.DigestOf(data))
	wantErr(t, "Create", err, registry.ErrCorrupt)
	_, err = s.Swap(t.Context(), "k", "", data)
	wantErr(t, "Swap", err, registry.ErrCorrupt)
	_, err = s.Stat(t.Context(), "k")
	wantErr(t, "Stat", err, registry.ErrNotExist)
}

// TestS3FlippedOnDisk flips a byte in the file of the server.
func TestS3FlippedOnDisk(t *testing.T) {
	server := s3test.Start(t, s3test.Versitygw)
	r := openRegistry(t, server.URL("p"))
	d := putBlob(t, r, "a checkpoint")
	run, _ := commit(t, r, newManifest(1, map[string]registry.Descriptor{"checkpoint": d}))
	path := server.File("p/" + blobName(d.Digest))
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte("A"), 0); err != nil {
		t.Fatal(err)
	}
	f.Close()
	_, err = r.Blob(t.Context(), d)
	wantErr(t, "Blob", err, registry.ErrCorrupt)
	if got := found(t, r, registry.CheckOptions{ReadData: true}); len(got) != 1 || got[0] != blobName(d.Digest)+": flipped" {
		t.Errorf("Check finds %q", got)
	}
	if _, _, err := r.Run(t.Context(), run); err != nil {
		t.Error(err)
	}
	_, err = r.PutBlob(t.Context(), "text/plain", []byte("a checkpoint"))
	wantErr(t, "PutBlob over a damaged one", err, registry.ErrCorrupt)
}

// TestS3RefusesGoFakeS3: a server that people do use in tests, and that lets two writers win.
func TestS3RefusesGoFakeS3(t *testing.T) {
	server := s3test.Start(t, s3test.GoFakeS3)
	_, err := registry.Open(t.Context(), server.URL("refused"))
	if err == nil {
		t.Fatal("a registry is opened on a server that ignores conditional writes")
	}
	if !strings.Contains(err.Error(), "If-None-Match") && !strings.Contains(err.Error(), "condition") && !strings.Contains(err.Error(), "checksum") {
		t.Errorf("the error does not say which guarantee is missing: %v", err)
	}
	t.Log(err)
}

// TestS3Refused opens registries on servers that each lack one guarantee.
func TestS3Refused(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", s3test.AccessKey)
	t.Setenv("AWS_SECRET_ACCESS_KEY", s3test.SecretKey)
	for lack, says := range map[string]string{
		"put": "If-None-Match when an object is put", "match": "If-Match when an object is put",
		"complete": "If-None-Match when a multipart upload is completed", "checksum": "x-amz-checksum-sha256", "nothing": "",
	} {
		t.Run(lack, func(t *testing.T) {
			server := httptest.NewServer(&naiveS3{lack: lack, objects: make(map[string][]byte)})
			defer server.Close()
			_, err := registry.Open(t.Context(), "s3://bucket/p?endpoint="+server.URL)
			if says == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			wantErr(t, "Open", err, registry.ErrUnavailable)
			if !strings.Contains(fmt.Sprint(err), says) {
				t.Errorf("the error does not name the guarantee %q: %v", says, err)
			}
			s, err := registry.OpenStore(t.Context(), "s3://bucket/p?endpoint="+server.URL)
			if err != nil {
				t.Fatal(err)
			}
			wantErr(t, "Create", s.Create(t.Context(), "k", strings.NewReader(""), 0, registry.DigestOf(nil)), registry.ErrUnavailable)
		})
	}
}

// naiveS3 is just enough of a server to be probed and to hold a registry. It
// keeps every promise but one.
type naiveS3 struct {
	lack    string
	mu      sync.Mutex
	objects map[string][]byte
	part    []byte
}

func (s *naiveS3) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fail := func(status int, code string) {
		w.WriteHeader(status)
		fmt.Fprintf(w, "<Error><Code>%s</Code><Message>%s</Message></Error>", code, code)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		fail(http.StatusBadRequest, "IncompleteBody")
		return
	}
	key, query := r.URL.Path, r.URL.Query()
	there, exists := s.objects[key]
	etag := registry.DigestOf(there).Hex()[:32]
	if r.Method == http.MethodPut || query.Has("uploadId") {
		condition := "put"
		if r.Method == http.MethodPost {
			condition = "complete"
		}
		if r.Header.Get("If-None-Match") == "*" && exists && s.lack != condition ||
			r.Header.Get("If-Match") != "" && strings.Trim(r.Header.Get("If-Match"), `"`) != etag && s.lack != "match" {
			fail(http.StatusPreconditionFailed, "PreconditionFailed")
			return
		}
	}
	switch {
	case r.Method == http.MethodPost && query.Has("uploads"):
		fmt.Fprint(w, "<InitiateMultipartUploadResult><UploadId>1</UploadId></InitiateMultipartUploadResult>")
	case r.Method == http.MethodPost:
		s.objects[key] = s.part
		fmt.Fprint(w, "<CompleteMultipartUploadResult><Bucket>bucket</Bucket></CompleteMultipartUploadResult>")
	case r.Method == http.MethodPut:
		if got := checksumOf(body); s.lack != "checksum" && r.Header.Get("X-Amz-Checksum-Sha256") != got {
			fail(http.StatusBadRequest, "BadDigest")
			return
		}
		if query.Has("uploadId") {
			s.part = body
		} else {
			s.objects[key] = body
		}
		w.Header().Set("ETag", `"`+registry.DigestOf(body).Hex()[:32]+`"`)
	case r.Method == http.MethodDelete:
		if !query.Has("uploadId") {
			delete(s.objects, key)
		}
		w.WriteHeader(http.StatusNoContent)
	case query.Has("list-type"):
		fmt.Fprint(w, "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>")
	case !exists:
		fail(http.StatusNotFound, "NoSuchKey")
	default:
		w.Header().Set("ETag", `"`+etag+`"`)
		w.Header().Set("Last-Modified", time.Now().UTC().Format(http.TimeFormat))
		w.Write(there)
	}
}

// TestS3Unavailable wants the class and no secret in the errors of servers that
// are down, deny access, or have no such bucket.
func TestS3Unavailable(t *testing.T) {
	server := s3test.Start(t, s3test.Versitygw)
	url := server.URL("p")
	open := func(what, url string) {
		t.Helper()
		start := time.Now()
		_, err := registry.Open(t.Context(), url)
		wantErr(t, what, err, registry.ErrUnavailable)
		message := fmt.Sprint(err)
		if strings.Contains(message, s3test.SecretKey) || strings.Contains(message, "wrong-secret") || strings.Contains(message, s3test.AccessKey) {
			t.Errorf("%s: the error holds a credential: %s", what, message)
		}
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("%s: it takes %v to say so", what, took)
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

func TestS3CustomCA(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", s3test.AccessKey)
	t.Setenv("AWS_SECRET_ACCESS_KEY", s3test.SecretKey)
	server := httptest.NewUnstartedServer(&naiveS3{objects: make(map[string][]byte)})
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // of clients that do not trust it
	server.StartTLS()
	defer server.Close()
	url := "s3://bucket/p?endpoint=" + server.URL
	_, err := registry.Open(t.Context(), url)
	wantErr(t, "unknown authority", err, registry.ErrUnavailable)

	ca := filepath.Join(t.TempDir(), "ca.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(ca, text, 0o666); err != nil {
		t.Fatal(err)
	}
	r := openRegistry(t, url+"&ca="+ca)
	putBlob(t, r, "x")
	for _, bad := range []string{ca + ".absent", os.DevNull} {
		if _, err := registry.Open(t.Context(), url+"&ca="+bad); err == nil {
			t.Errorf("the authorities in %s are accepted", bad)
		}
	}
}

// TestS3Credentials takes them from each place of the usual chain.
func TestS3Credentials(t *testing.T) {
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
		openRegistry(t, url)
	})
	t.Run("AWS file", func(t *testing.T) {
		text := fmt.Sprintf("[default]\naws_access_key_id = %s\naws_secret_access_key = %s\n", s3test.AccessKey, s3test.SecretKey)
		path := filepath.Join(t.TempDir(), "credentials")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		t.Setenv("AWS_SHARED_CREDENTIALS_FILE", path)
		openRegistry(t, url)
	})
	t.Run("mc", func(t *testing.T) {
		text := fmt.Sprintf(`{"version":"10","aliases":{"s3":{"url":"x","accessKey":%q,"secretKey":%q,"api":"S3v4"}}}`, s3test.AccessKey, s3test.SecretKey)
		overwrite(t, home, ".mc/config.json", text)
		openRegistry(t, url)
	})
}

const large = 100 << 20 // sent in 7 parts

// TestS3ResumedUpload interrupts uploads and counts the parts that are sent.
func TestS3ResumedUpload(t *testing.T) {
	server := s3test.Start(t, s3test.Versitygw)
	data := make([]byte, large)
	rand.Read(data)
	sum := registry.DigestOf(data)
	config, err := registry.ParseS3URL(server.URL("p"))
	if err != nil {
		t.Fatal(err)
	}
	config.Journal = t.TempDir()
	// upload sends data, but lets no more than most parts get through. It
	// returns how many did.
	upload := func(s3config registry.S3Config, key string, most int) (parts int, err error) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		s3config.Transport = func(next http.RoundTripper) http.RoundTripper {
			return roundTripper(func(r *http.Request) (*http.Response, error) {
				if r.Method == http.MethodPut && r.URL.Query().Has("partNumber") && !strings.Contains(r.URL.Path, ".probe") {
					if parts == most {
						cancel()
						closeBody(r)
						return nil, syscall.ECONNRESET
					}
					parts++
				}
				return next.RoundTrip(r)
			})
		}
		s, err := registry.NewS3(s3config)
		if err != nil {
			t.Fatal(err)
		}
		err = s.Create(ctx, key, bytes.NewReader(data), large, sum)
		return parts, err
	}
	want := func(what string, parts, wantParts int, err, class error) {
		t.Helper()
		if parts != wantParts || !errors.Is(err, class) {
			t.Errorf("%s: %d parts are sent, %v, want %d, %v", what, parts, err, wantParts, class)
		}
	}
	parts, err := upload(config, "k", 3)
	want("first attempt", parts, 3, err, context.Canceled)
	parts, err = upload(config, "k", 2)
	want("second attempt", parts, 2, err, context.Canceled)
	if _, err := openS3At(t, config).Stat(t.Context(), "k"); !errors.Is(err, registry.ErrNotExist) {
		t.Errorf("an unfinished upload is visible: %v", err)
	}
	parts, err = upload(config, "k", 7)
	want("third attempt", parts, 2, err, nil)
	parts, err = upload(config, "k", 7)
	want("once more", parts, 0, err, nil)
	body, _, err := openS3At(t, config).Get(t.Context(), "k")
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	if got, err := io.ReadAll(body); err != nil || registry.DigestOf(got) != sum {
		t.Errorf("what was put together from parts is not what was sent: %v", err)
	}
	if left, err := os.ReadDir(config.Journal); err != nil || len(left) != 0 {
		t.Errorf("the journal still has %v, %v", left, err)
	}

	// Parts that are damaged on the server are sent again, and so is all of an
	// upload that is gone.
	parts, err = upload(config, "other", 4)
	want("other: first attempt", parts, 4, err, context.Canceled)
	files, err := filepath.Glob(server.File(".sgwtmp/multipart/*/*/2"))
	if err != nil || len(files) != 1 {
		t.Fatalf("the files of part 2 are %v, %v", files, err)
	}
	if err := os.Truncate(files[0], 1000); err != nil {
		t.Fatal(err)
	}
	parts, err = upload(config, "other", 7)
	want("other: a part was cut", parts, 4, err, nil)
	parts, err = upload(config, "third", 4)
	want("third: first attempt", parts, 4, err, context.Canceled)
	if err := os.RemoveAll(server.File(".sgwtmp/multipart")); err != nil {
		t.Fatal(err)
	}
	parts, err = upload(config, "third", 7)
	want("third: the upload is gone", parts, 7, err, nil)

	// Two writers at once: one wins, and both have sent what they had.
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			if _, err := upload(config, "raced", 7); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	data[0] ^= 1
	_, err = upload(config, "raced", 7) // its digest is wrong
	wantErr(t, "a body unlike its digest", err, nil)
	_, err = upload(config, "fresh", 7)
	wantErr(t, "a body unlike its digest", err, registry.ErrCorrupt)
	sum = registry.DigestOf(data)
	_, err = upload(config, "raced", 7)
	wantErr(t, "other bytes", err, registry.ErrExist)
}

func openS3At(t *testing.T, config registry.S3Config) *registry.S3 {
	t.Helper()
	s, err := registry.NewS3(config)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func checksumOf(data []byte) string {
	sum := sha256.Sum256(data)
	return base64.StdEncoding.EncodeToString(sum[:])
}
