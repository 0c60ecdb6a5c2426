package s3

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cidbench/cidbench/registry/s3/s3test"
	"github.com/cidbench/cidbench/registry/store"
)

// A misbehaviour answers a request in the place of a server, which would answer as good does.
type misbehaviour struct {
	of     string // the operations that it concerns, by name; empty for all
	answer func(good sender, r *http.Request) (*http.Response, error)
}

// says is a server that gives an answer to everything.
func says(status int, text string, headers ...string) misbehaviour {
	return misbehaviour{"", func(sender, *http.Request) (*http.Response, error) {
		return reply(status, strings.NewReader(text), headers...), nil
	}}
}

const loginPage = "<html><body>Please log in.</body></html>"

var misbehaviours = map[string]misbehaviour{
	"503":                  says(503, ""),
	"429":                  says(429, ""),
	"retry after":          says(503, "", "Retry-After", "7"),
	"page":                 says(200, loginPage, "Content-Type", "text/html; charset=utf-8"),
	"page in disguise":     says(200, loginPage),
	"portal":               says(200, "OK", "Content-Type", "text/plain"),
	"portal of empty tags": says(200, "OK", "ETag", `""`),
	"page that nothing is": says(404, loginPage, "Content-Type", "text/html"),
	"text that nothing is": {"create swap load delete list", says(404, "404 page not found", "Content-Type", "text/plain").answer},
	"reset":                {"", func(sender, *http.Request) (*http.Response, error) { return nil, syscall.ECONNRESET }},
	"no answer": {"", func(_ sender, r *http.Request) (*http.Response, error) {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}},
	"stalled upload": {"create swap", func(_ sender, r *http.Request) (*http.Response, error) {
		_, _ = io.CopyN(io.Discard, r.Body, 1)
		<-r.Context().Done()
		return nil, r.Context().Err()
	}},
	"dripping upload": {"create swap", func(_ sender, r *http.Request) (*http.Response, error) {
		_, err := io.Copy(io.Discard, drip{r.Context(), r.Body})
		return nil, err
	}},
	"stalled body": {"load list", func(good sender, r *http.Request) (*http.Response, error) {
		response, err := good(r)
		response.Body = io.NopCloser(&waiting{r.Context(), "", forever})
		return response, err
	}},
	"dripping body": {"load list", func(good sender, r *http.Request) (*http.Response, error) {
		response, err := good(r)
		response.Body = io.NopCloser(drip{r.Context(), response.Body})
		return response, err
	}},
	"endless list": {"list", says(200, "<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>a</NextContinuationToken></ListBucketResult>").answer},
}

// drip gives a byte a second, until its request ends.
type drip struct {
	ctx context.Context
	r   io.Reader
}

func (d drip) Read(p []byte) (int, error) {
	if err := sleep(d.ctx, time.Second); err != nil {
		return 0, err
	}
	return d.r.Read(p[:min(len(p), 1)])
}

// contents are the objects of a store.
func contents(ctx context.Context, s *Store) (map[string]string, error) {
	all := make(map[string]string)
	for info, err := range s.List(ctx, "") {
		if err != nil {
			return nil, err
		}
		data, _, err := s.Load(ctx, info.Key)
		if err != nil {
			return nil, err
		}
		all[info.Key] = fmt.Sprint(len(data), " ", store.DigestOf(data))
	}
	return all, nil
}

// An operation does one thing to the objects of before, and says what else it sees.
type operation struct {
	do   func(ctx context.Context, s *Store, v store.Version) (saw string, err error)
	saw  string
	then map[string][]byte // objects that it changes; nil is for one that it deletes
}

var before = map[string][]byte{"there": bytes.Repeat([]byte("0123456789"), 2000), "counter": bytes.Repeat([]byte("1"), 5000)}

var operations = map[string]operation{
	"create": {func(ctx context.Context, s *Store, _ store.Version) (string, error) {
		data := bytes.Repeat([]byte("new "), 4000)
		return "", s.Create(ctx, "new", bytes.NewReader(data), int64(len(data)), store.DigestOf(data))
	}, "", map[string][]byte{"new": bytes.Repeat([]byte("new "), 4000)}},
	"swap": {func(ctx context.Context, s *Store, v store.Version) (string, error) {
		next, err := s.Swap(ctx, "counter", v, bytes.Repeat([]byte("2"), 5000))
		if err == nil && (next == "" || next == v) {
			err = fmt.Errorf("the version is %q, and was %q", next, v)
		}
		return "", err
	}, "", map[string][]byte{"counter": bytes.Repeat([]byte("2"), 5000)}},
	"load": {func(ctx context.Context, s *Store, _ store.Version) (string, error) {
		data, _, err := s.Load(ctx, "there")
		return string(data), err
	}, string(before["there"]), nil},
	"stat": {func(ctx context.Context, s *Store, _ store.Version) (string, error) {
		info, err := s.Stat(ctx, "there")
		return fmt.Sprint(info.Size), err
	}, "20000", nil},
	"delete": {func(ctx context.Context, s *Store, _ store.Version) (string, error) {
		return "", s.Delete(ctx, "there")
	}, "", map[string][]byte{"there": nil}},
	"list": {func(ctx context.Context, s *Store, _ store.Version) (saw string, err error) {
		for info, err := range s.List(ctx, "") {
			if err != nil {
				return "", err
			}
			saw += info.Key + " "
		}
		return saw, nil
	}, "counter there ", nil},
}

// TestMisbehaviour: for a minute of it every operation waits, says what for, and succeeds; for ever, it ends in some
// minutes as one of a store that cannot be reached, has changed nothing, and succeeds when it is done again.
func TestMisbehaviour(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", s3test.AccessKey)
	t.Setenv("AWS_SECRET_ACCESS_KEY", s3test.SecretKey)
	for name, bad := range misbehaviours {
		for op := range operations {
			for _, lasts := range []time.Duration{time.Minute, forever} {
				if bad.of == "" || slices.Contains(strings.Fields(bad.of), op) {
					t.Run(fmt.Sprint(op, " with ", name, " for ", lasts), func(t *testing.T) {
						synctest.Test(t, func(t *testing.T) { bear(t, operations[op], bad, lasts) })
					})
				}
			}
		}
	}
}

// bear does an operation while a server misbehaves.
func bear(t *testing.T, op operation, bad misbehaviour, lasts time.Duration) {
	good := new(s3test.Naive)
	var requests atomic.Int64
	var end time.Time
	open := func(misbehaves bool) *Store {
		s, err := New(Config{Bucket: "bucket", Prefix: "p", Endpoint: "http://s3", Transport: func(http.RoundTripper) http.RoundTripper {
			return sender(func(r *http.Request) (*http.Response, error) {
				if !misbehaves || time.Now().After(end) {
					return good.RoundTrip(r)
				}
				requests.Add(1)
				if r.Body != nil {
					defer r.Body.Close()
				}
				return bad.answer(good.RoundTrip, r)
			})
		}})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	calm, s := open(false), open(true)
	var version store.Version
	for _, key := range slices.Sorted(maps.Keys(before)) {
		v, err := calm.Swap(t.Context(), key, "", before[key])
		if err != nil {
			t.Fatal(err)
		}
		if key == "counter" {
			version = v
		}
	}
	if err := s.Probe(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := func(what string, changed map[string][]byte) {
		t.Helper()
		objects := make(map[string]string)
		all := maps.Clone(before)
		maps.Copy(all, changed)
		for key, data := range all {
			if data != nil {
				objects[key] = fmt.Sprint(len(data), " ", store.DigestOf(data))
			}
		}
		got, err := contents(t.Context(), calm)
		if diff := cmp.Diff(objects, got); diff != "" || err != nil {
			t.Errorf("%s: %v: %s", what, err, diff)
		}
	}
	want("before", nil)
	var said atomic.Int64
	ctx := store.WithNotices(t.Context(), func(string) { said.Add(1) })
	begin := time.Now()
	end = begin.Add(lasts)
	saw, err := op.do(ctx, s, version)
	took := time.Since(begin)
	if n := requests.Load(); said.Load() == 0 || said.Load() > 30 || n > 50 {
		t.Errorf("%d requests, %d notices in %v", n, said.Load(), took)
	}
	if lasts == forever {
		if !errors.Is(err, store.ErrUnavailable) || errors.Is(err, store.ErrNotExist) || took > 5*time.Minute {
			t.Errorf("after %v: %v", took, err)
		}
		want("after a failure", nil)
		end = time.Now()
		time.Sleep(time.Second)
		saw, err = op.do(ctx, s, version)
	} else if took < lasts {
		t.Errorf("it took %v", took)
	}
	if err != nil || saw != op.saw {
		t.Errorf("%d bytes were seen, want %d: %v", len(saw), len(op.saw), err)
	}
	want("in the end", op.then)
}
