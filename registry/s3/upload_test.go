package s3_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/cidbench/cidbench/registry/s3"
	"github.com/cidbench/cidbench/registry/s3/s3test"
	"github.com/cidbench/cidbench/registry/store"
	"github.com/cidbench/cidbench/registry/store/storetest"
)

const large = 100 << 20 // sent in 7 parts

// TestResumedUpload interrupts uploads and counts the parts that are sent.
func TestResumedUpload(t *testing.T) {
	server := s3test.Start(t, s3test.Versitygw)
	data := make([]byte, large)
	rand.Read(data)
	sum := store.DigestOf(data)
	config, err := s3.ParseURL(server.URL("p"))
	if err != nil {
		t.Fatal(err)
	}
	config.Journal = t.TempDir()
	// upload sends data, but lets no more than most parts get through. It
	// returns how many did.
	upload := func(s3config s3.Config, key string, most int) (parts int, err error) {
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
		s, err := s3.New(s3config)
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
	if _, err := openStore(t, config).Stat(t.Context(), "k"); !errors.Is(err, store.ErrNotExist) {
		t.Errorf("an unfinished upload is visible: %v", err)
	}
	parts, err = upload(config, "k", 7)
	want("third attempt", parts, 2, err, nil)
	parts, err = upload(config, "k", 7)
	want("once more", parts, 0, err, nil)
	body, _, err := openStore(t, config).Get(t.Context(), "k")
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	if got, err := io.ReadAll(body); err != nil || store.DigestOf(got) != sum {
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
	storetest.WantErr(t, "a body unlike its digest", err, nil)
	_, err = upload(config, "fresh", 7)
	storetest.WantErr(t, "a body unlike its digest", err, store.ErrCorrupt)
	sum = store.DigestOf(data)
	_, err = upload(config, "raced", 7)
	storetest.WantErr(t, "other bytes", err, store.ErrExist)
}
