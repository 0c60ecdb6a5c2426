package s3_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cidbench/cidbench/registry/s3/s3test"
	"github.com/cidbench/cidbench/registry/store"
	"github.com/cidbench/cidbench/registry/store/storetest"
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

// TestFaults lets every third request go wrong, in each way, and wants the
// store to behave as if none had.
func TestFaults(t *testing.T) {
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
			var version store.Version
			for i := range 4 {
				key, data := fmt.Sprintf("k/%d", i), bytes.Repeat(fmt.Appendf(nil, "%d ", i), 5000)
				create := func(data []byte) error {
					return s.Create(ctx, key, bytes.NewReader(data), int64(len(data)), store.DigestOf(data))
				}
				if err := create(data); err != nil {
					t.Fatal(err)
				}
				storetest.WantErr(t, "other bytes", create(data[1:]), store.ErrExist)
				if got, _, err := s.Load(ctx, key); err != nil || !bytes.Equal(got, data) {
					t.Errorf("Load = %d bytes, %v, want %d", len(got), err, len(data))
				}
				var err error
				if version, err = s.Swap(ctx, "counter", version, fmt.Append(nil, i)); err != nil {
					t.Fatal(err)
				}
				_, err = s.Swap(ctx, "counter", "0123456789abcdef0123456789abcdef", []byte("x"))
				storetest.WantErr(t, "swap of another version", err, store.ErrConflict)
			}
			if got, _, err := s.Load(ctx, "counter"); err != nil || string(got) != "3" {
				t.Errorf("the counter is %q, %v", got, err)
			}
			n := 0
			for info, err := range s.List(ctx, "k/") {
				if n++; err != nil {
					t.Errorf("List %s: %v", info.Key, err)
				}
			}
			if n != 4 {
				t.Errorf("%d objects, want 4", n)
			}
			if faulty.Load() < 5 {
				t.Errorf("%d requests went wrong, want more", faulty.Load())
			}
		})
	}
}

// TestAlwaysFlipped wants an integrity failure and no object where every body
// is damaged on its way.
func TestAlwaysFlipped(t *testing.T) {
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
	err := s.Create(t.Context(), "k", bytes.NewReader(data), int64(len(data)), store.DigestOf(data))
	storetest.WantErr(t, "Create", err, store.ErrCorrupt)
	_, err = s.Swap(t.Context(), "k", "", data)
	storetest.WantErr(t, "Swap", err, store.ErrCorrupt)
	_, err = s.Stat(t.Context(), "k")
	storetest.WantErr(t, "Stat", err, store.ErrNotExist)
}

// TestOutage: a server that is killed, and is back after some seconds, costs a writer the time and nothing else.
func TestOutage(t *testing.T) {
	server := s3test.Start(t, s3test.Versitygw)
	s := s3Store(t, server, func(next http.RoundTripper) http.RoundTripper { return next })
	if err := s.Probe(t.Context()); err != nil {
		t.Fatal(err)
	}
	var said atomic.Int64
	ctx := store.WithNotices(t.Context(), func(string) { said.Add(1) })
	server.Kill()
	back := make(chan error)
	go func() {
		time.Sleep(5 * time.Second)
		back <- server.Restart(t.Context())
	}()
	data := bytes.Repeat([]byte("x"), 1<<20)
	if err := s.Create(ctx, "k", bytes.NewReader(data), int64(len(data)), store.DigestOf(data)); err != nil {
		t.Error(err)
	}
	if err := <-back; err != nil {
		t.Fatal(err)
	}
	if got, _, err := s.Load(ctx, "k"); err != nil || !bytes.Equal(got, data) || said.Load() == 0 {
		t.Errorf("Load = %d bytes, %v, after %d notices", len(got), err, said.Load())
	}
}
