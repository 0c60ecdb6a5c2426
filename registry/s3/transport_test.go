package s3

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cidbench/cidbench/registry/s3/s3test"
	"github.com/cidbench/cidbench/registry/store"
	"github.com/minio/minio-go/v7"
)

type sender func(*http.Request) (*http.Response, error)

func (f sender) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// reply is an answer with headers, given as name and value in turn.
func reply(status int, body io.Reader, headers ...string) *http.Response {
	r := &http.Response{StatusCode: status, Status: fmt.Sprint(status, " ", http.StatusText(status)), Header: http.Header{}, Body: io.NopCloser(body)}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return r
}

// waiting is a body of some bytes that then gives another only every so often, until its request ends.
type waiting struct {
	ctx   context.Context
	text  string
	every time.Duration
}

func (w *waiting) Read(p []byte) (int, error) {
	if n := copy(p, w.text); n > 0 {
		w.text = w.text[n:]
		return n, nil
	}
	select {
	case <-time.After(w.every):
		return copy(p, "x"), nil
	case <-w.ctx.Done():
		return 0, w.ctx.Err()
	}
}

const forever = 1000 * time.Hour

func listing(ctx context.Context, t *transport) (string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://s3/bucket?list-type=2", nil)
	if err != nil {
		return "", err
	}
	response, err := t.RoundTrip(r)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return fmt.Sprint(response.StatusCode, " ", string(body)), err
}

// TestRetryAfter: the server is not asked again before it wants to be, neither for what it sends nor with what it is sent.
func TestRetryAfter(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", s3test.AccessKey)
	t.Setenv("AWS_SECRET_ACCESS_KEY", s3test.SecretKey)
	for name, op := range operations {
		synctest.Test(t, func(t *testing.T) {
			var times []time.Time
			good, armed := new(s3test.Naive), false
			s, err := New(Config{Bucket: "bucket", Endpoint: "http://s3", Transport: func(http.RoundTripper) http.RoundTripper {
				return sender(func(r *http.Request) (*http.Response, error) {
					if armed {
						times = append(times, time.Now())
					}
					if len(times) == 1 {
						if r.Body != nil {
							r.Body.Close()
						}
						return reply(503, strings.NewReader(""), "Retry-After", "45"), nil
					}
					return good.RoundTrip(r)
				})
			}})
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Create(t.Context(), "there", bytes.NewReader(nil), 0, store.DigestOf(nil)); err != nil {
				t.Fatal(err)
			}
			version, err := s.Swap(t.Context(), "counter", "", []byte("1"))
			if err != nil {
				t.Fatal(err)
			}
			armed = true
			if _, err := op.do(t.Context(), s, version); err != nil || len(times) != 2 || times[1].Sub(times[0]) < 45*time.Second {
				t.Errorf("%s: asked at %v, %v", name, times, err)
			}
		})
	}
}

// TestFirstContact: a server that was never there is not waited for long.
func TestFirstContact(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		tr := &transport{next: sender(func(*http.Request) (*http.Response, error) { return nil, syscall.ECONNREFUSED })}
		_, err := listing(t.Context(), tr)
		if took := time.Since(begin); !errors.Is(err, syscall.ECONNREFUSED) || took > 3*time.Second {
			t.Errorf("after %v: %v", took, err)
		}
	})
}

// TestStalledBodies: a request or an answer whose bytes do not come is given up, one that is merely slow is not.
func TestStalledBodies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := &transport{next: sender(func(r *http.Request) (*http.Response, error) {
			if r.Method == http.MethodPut { // reads all of the body
				_, err := io.Copy(io.Discard, r.Body)
				return reply(200, strings.NewReader("")), err
			}
			if r.URL.Path == "/slow" {
				return reply(200, &slow{n: 100}, "ETag", "slow"), nil
			}
			return reply(200, &waiting{r.Context(), "some", forever}, "ETag", "some"), nil
		})}
		get, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://s3/key", nil)
		response, err := tr.RoundTrip(get)
		if err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		if _, err := io.ReadAll(response.Body); !errors.Is(err, errStalled) || time.Since(begin) > 2*stallTime {
			t.Errorf("a body that stalls: %v after %v", err, time.Since(begin))
		}
		response.Body.Close()
		get, _ = http.NewRequestWithContext(t.Context(), http.MethodGet, "http://s3/slow", nil)
		if response, err = tr.RoundTrip(get); err != nil {
			t.Fatal(err)
		}
		if body, err := io.ReadAll(response.Body); err != nil || len(body) < 90<<10 {
			t.Errorf("a slow body: %d bytes, %v", len(body), err)
		}
		response.Body.Close()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		put, _ := http.NewRequestWithContext(ctx, http.MethodPut, "http://s3/key", io.NopCloser(bytes.NewReader(nil)))
		put.Body = io.NopCloser(&waiting{ctx, "some", forever})
		begin = time.Now()
		go func() { time.Sleep(stallTime + time.Second); cancel() }() // a real connection is closed by then
		if _, err := tr.RoundTrip(put); !errors.Is(err, errStalled) { //nolint:bodyclose // there is none
			t.Errorf("a body that is not taken: %v after %v", err, time.Since(begin))
		}
	})
}

// slow gives n kilobytes, one each second.
type slow struct{ n int }

func (s *slow) Read(p []byte) (int, error) {
	if s.n == 0 {
		return 0, io.EOF
	}
	s.n--
	time.Sleep(time.Second)
	return copy(p, make([]byte, 1<<10)), nil
}

// A clock that is minutes off is named, and is a failure to reach the store.
func TestSkewedClock(t *testing.T) {
	err := classified("get", "a", minio.ErrorResponse{Code: minio.RequestTimeTooSkewed, StatusCode: http.StatusForbidden})
	if !errors.Is(err, store.ErrUnavailable) || !strings.Contains(err.Error(), "the clock of this machine is minutes off") {
		t.Errorf("%v", err)
	}
}
