// Package fetch downloads a file whose digest is known, goes on where an earlier try was cut, and trusts nothing that
// a server says.
package fetch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/cidbench/cidbench/bench/dataset"
	"github.com/cidbench/cidbench/registry/store"
)

// ErrUnavailable says that no address gave the file.
var ErrUnavailable = errors.New("it cannot be downloaded")

// A File is what is to be had.
type File struct {
	URLs   []string // tried in this order
	Digest string   // "sha256:" and 64 hexadecimal digits
	Bytes  int64    // 0: not known
}

// maxBytes bounds a file whose length is not known.
const maxBytes = 16 << 30

// A Client downloads files. The zero value is ready to use.
type Client struct {
	// Stall is the time without a byte after which a try is given up; 0 means 30 seconds.
	Stall time.Duration
	// Tries is the number at each address that in a row bring nothing new; 0 means 4.
	Tries int
	// Wait is the pause after the first of them, doubled each time; 0 means a second.
	Wait time.Duration
	// Progress is told of bytes had; total is 0 while it is not known.
	Progress func(done, total int64)
	// Say is told what went wrong with a try, if another follows.
	Say func(string)
}

// Get downloads the file to a path, where it is only once its digest is right; path + ".part" is what there is of it
// until then. Errors: ErrUnavailable; dataset.ErrDigest if a server gave another file.
func (c Client) Get(ctx context.Context, f File, path string) error {
	if c.Stall == 0 {
		c.Stall = 30 * time.Second
	}
	if c.Tries == 0 {
		c.Tries = 4
	}
	if c.Wait == 0 {
		c.Wait = time.Second
	}
	if Is(path, f.Digest) == nil {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	var all []error
	for _, address := range f.URLs {
		if err := allowed(address); err != nil {
			all = append(all, err)
			continue
		}
		err := c.from(ctx, address, f, path)
		if err == nil || ctx.Err() != nil {
			return err
		}
		all = append(all, fmt.Errorf("%s: %w", store.Redacted(address), err))
	}
	return fmt.Errorf("%w: %w", ErrUnavailable, errors.Join(all...))
}

// Is checks that the file at a path has a digest. Errors: dataset.ErrDigest.
func Is(path, digest string) error {
	got, err := dataset.FileDigest(path)
	if err == nil && got != digest {
		err = fmt.Errorf("%s: %w: %s, not %s", path, dataset.ErrDigest, got, digest)
	}
	return err
}

// allowed refuses addresses at which anybody on the way could read or change what is sent. The machine itself is not
// on the way.
func allowed(address string) error {
	u, err := url.Parse(address)
	if err != nil {
		return errors.New("an address that is no URL") // which would say the address, and what is secret in it
	}
	ip := net.ParseIP(u.Hostname())
	if u.Scheme == "https" || u.Scheme == "http" && (u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()) {
		return nil
	}
	return fmt.Errorf("%s: only https is taken", store.Redacted(address))
}

// errFinal marks what another try at the same address would not change.
var errFinal = errors.New("it is of no use to try again")

// from tries one address until the file is there, or tries bring nothing new.
func (c Client) from(ctx context.Context, address string, f File, path string) error {
	part := partial{path + ".part", path + ".part.json"}
	best := part.size()
	for tries, wait := 0, c.Wait; ; {
		err := c.try(ctx, address, f, part)
		if err == nil {
			err = Is(part.path, f.Digest)
			if err == nil {
				return errors.Join(os.Rename(part.path, path), part.forget())
			}
			return errors.Join(err, part.remove()) // no piece of it is worth keeping
		}
		if part.size() > best {
			best, tries, wait = part.size(), 0, c.Wait
		}
		if tries++; ctx.Err() != nil || errors.Is(err, errFinal) || tries >= c.Tries {
			return err
		}
		if c.Say != nil {
			c.Say(fmt.Sprintf("%s: %v; trying again from byte %d", store.Redacted(address), err, part.size()))
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
		wait *= 2
	}
}

// try asks once for what is missing, and keeps what comes.
func (c Client) try(ctx context.Context, address string, f File, part partial) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	stalled := time.AfterFunc(c.Stall, func() { stop(fmt.Errorf("nothing came for %s", c.Stall)) })
	defer stalled.Stop()
	explain := func(err error) error {
		if cause := context.Cause(ctx); cause != nil {
			return cause
		}
		whole, ok := errors.AsType[*url.Error](err)
		switch {
		case !ok:
			return err
		case strings.HasPrefix(whole.Err.Error(), "failed to parse Location header"): // which it says, and so what is secret in it
			return fmt.Errorf("%w: redirected to what is no address", errFinal)
		}
		return whole.Err // without the address as it is
	}

	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return explain(err)
	}
	request.Header.Set("Accept-Encoding", "identity") // lengths are those of the file
	at := part.size()
	if validator := part.validator(address); at > 0 && validator != "" {
		request.Header.Set("Range", fmt.Sprintf("bytes=%d-", at))
		request.Header.Set("If-Range", validator)
	} else {
		at = 0
	}
	client := http.Client{CheckRedirect: func(to *http.Request, via []*http.Request) error {
		if len(via) >= 10 {
			return fmt.Errorf("%w: more than 10 redirects", errFinal)
		}
		if err := allowed(to.URL.String()); err != nil {
			return fmt.Errorf("%w: redirected: %w", errFinal, err)
		}
		return nil
	}}
	answer, err := client.Do(request)
	if err != nil {
		return explain(err)
	}
	defer answer.Body.Close()
	total, err := length(answer, at, f.Bytes)
	if err != nil {
		if answer.StatusCode == http.StatusRequestedRangeNotSatisfiable {
			err = errors.Join(err, part.remove())
		}
		return err
	}
	file, err := part.open(answer, address)
	if err != nil {
		return err
	}
	got := &counting{file: file, done: part.size(), most: most(total, f.Bytes), tell: func(done int64) {
		stalled.Reset(c.Stall)
		if c.Progress != nil {
			c.Progress(done, max(total, f.Bytes))
		}
	}}
	_, err = io.Copy(got, answer.Body)
	if err := errors.Join(explain(err), file.Close()); err != nil {
		return err
	}
	if total > 0 && got.done != total {
		return fmt.Errorf("%d bytes of %d came", got.done, total)
	}
	return nil
}

func most(total, known int64) int64 {
	switch {
	case known > 0:
		return known
	case total > 0:
		return total
	}
	return maxBytes
}

// length is that of the whole file as an answer says, 0 if it does not; known is what it must be, 0 if that is not
// known. At is the byte from which was asked.
func length(answer *http.Response, at, known int64) (int64, error) {
	total := max(0, answer.ContentLength)
	switch answer.StatusCode {
	case http.StatusOK:
	case http.StatusPartialContent:
		var from, to int64
		var size string
		if _, err := fmt.Sscanf(answer.Header.Get("Content-Range"), "bytes %d-%d/%s", &from, &to, &size); err != nil || from != at || to < from {
			return 0, fmt.Errorf("%w: asked for the bytes from %d, the answer has %q", errFinal, at, answer.Header.Get("Content-Range"))
		}
		total, _ = strconv.ParseInt(size, 10, 64) // "*" if the server does not know
	case http.StatusRequestedRangeNotSatisfiable:
		return 0, fmt.Errorf("there is nothing from byte %d on", at)
	default:
		err := fmt.Errorf("the server says %s", answer.Status)
		if answer.StatusCode < 500 && answer.StatusCode != http.StatusTooManyRequests && answer.StatusCode != http.StatusRequestTimeout {
			err = fmt.Errorf("%w: %w", errFinal, err)
		}
		return 0, err
	}
	if known > 0 && total > 0 && total != known {
		return 0, fmt.Errorf("%w: the server has a file of %d bytes; want %d", errFinal, total, known)
	}
	return total, nil
}

// counting writes to a file, and refuses more than there can be.
type counting struct {
	file       io.Writer
	done, most int64
	tell       func(done int64)
}

func (c *counting) Write(p []byte) (int, error) {
	if c.done+int64(len(p)) > c.most {
		return 0, fmt.Errorf("%w: more than %d bytes came", errFinal, c.most)
	}
	n, err := c.file.Write(p)
	c.done += int64(n)
	c.tell(c.done)
	return n, err
}

// Begun is how many bytes there are of a file that Get was downloading to a path, and was cut short.
func Begun(path string) int64 { return partial{path: path + ".part"}.size() }

// partial is what there is of a file, and a note of which file that is.
type partial struct{ path, note string }

// A note has the digest of an address, in which a password may stand.
type note struct {
	Address   store.Digest
	Validator string
}

func (p partial) size() int64 {
	info, err := os.Stat(p.path)
	if err != nil {
		return 0
	}
	return info.Size()
}

// validator is what the address said of the file of which there is a part; empty if nobody knows.
func (p partial) validator(address string) string {
	text, err := os.ReadFile(p.note)
	var n note
	if err != nil || json.Unmarshal(text, &n) != nil || n.Address != store.DigestOf([]byte(address)) {
		return ""
	}
	return n.Validator
}

// open opens the part for what an answer brings: at its end for the rest, and anew for the whole.
func (p partial) open(answer *http.Response, address string) (*os.File, error) {
	if answer.StatusCode == http.StatusPartialContent {
		return os.OpenFile(p.path, os.O_WRONLY|os.O_APPEND, 0o644)
	}
	validator := answer.Header.Get("ETag")
	if validator == "" || strings.HasPrefix(validator, "W/") { // weak ones say nothing of bytes
		validator = answer.Header.Get("Last-Modified")
	}
	text, err := json.Marshal(note{store.DigestOf([]byte(address)), validator})
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(p.note, text, 0o644); err != nil {
		return nil, err
	}
	return os.Create(p.path)
}

func (p partial) forget() error {
	if err := os.Remove(p.note); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

func (p partial) remove() error {
	if err := os.Remove(p.path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return p.forget()
}
