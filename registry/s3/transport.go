package s3

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cidbench/cidbench/registry/store"
)

const (
	// A request that moves less than leastBytes in a window of stallTime is given up.
	stallTime  = 30 * time.Second
	leastBytes = 4 << 10
	// patience is how long a request is repeated, once the server has answered any.
	patience = 2 * time.Minute
	// attempts of a request to a server that has not answered yet, or that gets other bytes than are sent.
	attempts = 4
	maxWait  = 10 * time.Second
	maxList  = 16 << 20 // bytes of one page of a listing
)

var (
	errStalled = errors.New("the server stalls")
	errNotS3   = errors.New("what answers is no S3 server")
	errEndless = errors.New("a listing of the server has no end")
)

// A transport sends requests for as long as it makes sense: it gives up those that stall, refuses answers that no S3
// server gives, and repeats what failed for now and can be sent again. (What has a body is repeated by retry.)
type transport struct {
	next     http.RoundTripper
	answered atomic.Bool // the server was there, so that it is worth waiting for
	mu       sync.Mutex
	said     time.Time // when a wait was last told of
}

// failed is for what caller and transport have to say to each other of a request that failed.
type failed struct{ retryAfter time.Duration }

type failedKey struct{}

func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	repeatable := r.Body == nil || r.Body == http.NoBody || r.GetBody != nil
	for first, attempt := time.Now(), 0; ; attempt++ {
		request := r
		if attempt > 0 && r.GetBody != nil {
			body, err := r.GetBody()
			if err != nil {
				return nil, err
			}
			request = r.Clone(r.Context())
			request.Body = body
		}
		response, err := t.once(request)
		cause := temporary(response, err)
		if cause == nil {
			t.answered.Store(t.answered.Load() || err == nil)
			return response, err
		}
		after := retryAfter(response)
		if note, ok := r.Context().Value(failedKey{}).(*failed); ok {
			note.retryAfter = after
		}
		if !repeatable {
			return response, err
		}
		wait, ok := t.wait(r.Context(), first, attempt, after, cause)
		if !ok {
			return response, err
		}
		if response != nil {
			_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, 64<<10))
			response.Body.Close()
		}
		if err := sleep(r.Context(), wait); err != nil {
			return nil, err
		}
	}
}

// wait says how long to wait before the next attempt, or that there is none. It tells what is waited for.
func (t *transport) wait(ctx context.Context, first time.Time, attempt int, after time.Duration, cause error) (time.Duration, bool) {
	wait := min(100*time.Millisecond<<min(attempt, 10), maxWait)
	wait = max(wait/2+rand.N(wait/2), after)
	left := patience - time.Since(first)
	if ctx.Err() != nil || wait > left || !t.answered.Load() && attempt+1 >= attempts {
		return 0, false
	}
	if time.Since(first)+wait > 3*time.Second {
		t.mu.Lock()
		defer t.mu.Unlock()
		if t.said.IsZero() || time.Since(t.said) > maxWait {
			t.said = time.Now()
			store.Notice(ctx, fmt.Sprintf("waiting for the S3 server (%s), for up to %v more", store.Printable(cause.Error()), left.Round(time.Second)))
		}
	}
	return wait, true
}

func sleep(ctx context.Context, wait time.Duration) error {
	select {
	case <-time.After(wait):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// temporary says why the same request may succeed later; nil if that makes no sense.
func temporary(response *http.Response, err error) error {
	_, untrusted := errors.AsType[*tls.CertificateVerificationError](err)
	switch {
	case untrusted, errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return nil
	case err != nil:
		return err
	case response.StatusCode == http.StatusTooManyRequests, response.StatusCode == http.StatusRequestTimeout,
		response.StatusCode >= 500 && response.StatusCode != http.StatusNotImplemented:
		return errors.New(response.Status)
	}
	return nil
}

// retryAfter is what the server asks for, in seconds or as a date.
func retryAfter(response *http.Response) time.Duration {
	if response == nil {
		return 0
	}
	text := response.Header.Get("Retry-After")
	if seconds, err := strconv.Atoi(text); err == nil {
		return time.Duration(min(max(seconds, 0), 3600)) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(time.Until(at), 0)
	}
	return 0
}

// once sends a request and reads as much of the answer as it takes to trust it.
func (t *transport) once(r *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(r.Context())
	w := &watch{ctx: ctx, cancel: cancel}
	w.timer = time.AfterFunc(stallTime, w.look)
	request := r.WithContext(ctx)
	if r.Body != nil && r.Body != http.NoBody {
		request.Body = watched{r.Body, w, nil}
	}
	response, err := t.next.RoundTrip(request)
	if err != nil {
		w.end()
		return nil, w.blame(err)
	}
	response.Body = watched{response.Body, w, w.end}
	if err := trust(r, response); err != nil {
		response.Body.Close()
		return nil, err
	}
	return response, nil
}

// trust fails for the answers of login pages and broken proxies, and of servers whose listings go round in circles.
func trust(r *http.Request, response *http.Response) error {
	absent := response.StatusCode == http.StatusNotFound
	if response.StatusCode/100 != 2 && !absent {
		return nil
	}
	if kind := response.Header.Get("Content-Type"); strings.HasPrefix(kind, "text/html") {
		return fmt.Errorf("%w: it sends a page (%.40s)", errNotS3, kind)
	}
	query := r.URL.Query()
	switch {
	case absent && r.Method == http.MethodHead: // whose answer has no body
		return nil
	case absent:
		return trustBody(response, "Error", nil)
	case query.Has("list-type"):
		return trustBody(response, "ListBucketResult", func(l list) bool {
			return l.IsTruncated && (len(l.Contents)+len(l.Folders) == 0 || l.Next == query.Get("continuation-token"))
		})
	case r.Method == http.MethodGet && query.Has("uploadId"):
		return trustBody(response, "ListPartsResult", nil)
	case r.Method == http.MethodPost && query.Has("uploads"):
		return trustBody(response, "InitiateMultipartUploadResult", nil)
	case r.Method == http.MethodPost:
		return nil // it may come after a while; minio-go reads it
	case r.Method == http.MethodDelete && response.StatusCode != http.StatusNoContent:
		return fmt.Errorf("%w: it answers to a DELETE with %.60q", errNotS3, response.Status)
	case r.Method != http.MethodDelete && strings.Trim(response.Header.Get("ETag"), `"`) == "":
		return fmt.Errorf("%w: its answer to a %s has no ETag", errNotS3, r.Method)
	}
	return nil
}

// A list is an answer in XML, as far as it has to be understood before it is believed.
type list struct {
	XMLName     xml.Name
	IsTruncated bool
	Next        string `xml:"NextContinuationToken"`
	Contents    []struct{ Key string }
	Folders     []struct{} `xml:"CommonPrefixes"`
}

// trustBody reads the body of an answer, which has to be XML with a root, and puts it back.
func trustBody(response *http.Response, root string, endless func(list) bool) error {
	page, err := io.ReadAll(io.LimitReader(response.Body, maxList+1))
	if err != nil {
		return err
	}
	var l list
	if err := xml.Unmarshal(page, &l); err != nil || l.XMLName.Local != root || len(page) > maxList {
		return fmt.Errorf("%w: it answers with %.60q, not with a %s", errNotS3, page, root)
	}
	if endless != nil && endless(l) {
		return errEndless
	}
	response.Body = struct {
		io.Reader
		io.Closer
	}{bytes.NewReader(page), response.Body}
	return nil
}

// A watch gives up a request that does not get on.
type watch struct {
	ctx    context.Context
	cancel context.CancelCauseFunc
	timer  *time.Timer
	moved  atomic.Int64 // bytes since the last look
}

func (w *watch) look() {
	if w.moved.Swap(0) < leastBytes {
		w.cancel(errStalled)
	} else {
		w.timer.Reset(stallTime)
	}
}

func (w *watch) end() {
	w.timer.Stop()
	w.cancel(nil)
}

// blame says that a request was given up here, where that is why it failed.
func (w *watch) blame(err error) error {
	if err != nil && errors.Is(context.Cause(w.ctx), errStalled) {
		return fmt.Errorf("%w: less than %d bytes in %v", errStalled, leastBytes, stallTime)
	}
	return err
}

// watched is a body whose bytes count as progress.
type watched struct {
	io.ReadCloser
	watch *watch
	end   func() // nil: the watch goes on
}

func (b watched) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.watch.moved.Add(int64(n))
	if err != nil && !errors.Is(err, io.EOF) {
		err = b.watch.blame(err)
	}
	return n, err
}

func (b watched) Close() error {
	err := b.ReadCloser.Close()
	if b.end != nil {
		b.end()
	}
	return err
}
