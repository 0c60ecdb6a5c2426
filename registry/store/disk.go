package store

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

const (
	// tempDir holds files being written. What a killed process leaves there is never listed; Tidy removes it.
	tempDir = ".tmp"
	// lockDir holds files that are locked with flock(2) around Swap and Delete of the keys that share one, never removed.
	lockDir = ".locks"
)

// A disk names files below root, in a way that outlives a crash.
type disk struct {
	root string
	// Patience is how long a writer waits for the lock that others hold.
	Patience time.Duration
	locks    int                  // how many locks keys are spread over: up to 256
	flush    func(*os.File) error // puts a file or folder on disk
	durable  sync.Map             // folders whose names are known to be on disk up to the root
}

func (d *disk) path(key string) string {
	return filepath.Join(d.root, filepath.FromSlash(key))
}

// temp writes body to a new file on the file system of the store, verified, on
// disk and read-only. The caller removes it.
func (d *disk) temp(ctx context.Context, body io.ReadSeeker, size int64, sum Digest) (name string, err error) {
	dir := d.path(tempDir)
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return "", err
	}
	f, err := os.CreateTemp(dir, "*")
	if err != nil {
		return "", err
	}
	err = CopyVerified(ctx, f, body, size, sum)
	if err == nil {
		err = f.Chmod(0o444)
	}
	if err == nil {
		err = d.flush(f)
	}
	if err = cmp.Or(err, f.Close()); err != nil {
		os.Remove(f.Name())
	}
	return f.Name(), err
}

// Tidy removes what killed writers have left, as far as it was written before a time. Errors: ErrUnavailable.
func (d *disk) Tidy(before time.Time) (files int, bytes int64, err error) {
	entries, err := os.ReadDir(d.path(tempDir))
	if err != nil && !absent(err) {
		return 0, 0, writeError("tidy", tempDir, err)
	}
	for _, e := range entries {
		fi, err := e.Info()
		if err != nil || !fi.Mode().IsRegular() || !fi.ModTime().Before(before) {
			continue
		}
		if err := os.Remove(filepath.Join(d.path(tempDir), e.Name())); err != nil && !absent(err) {
			return files, bytes, writeError("tidy", tempDir, err)
		}
		files, bytes = files+1, bytes+fi.Size()
	}
	return files, bytes, nil
}

// publish gives the file temp the name of key, durably. Its error satisfies taken if the name is in use.
func (d *disk) publish(name func(oldPath, newPath string) error, temp, key string) error {
	path := d.path(key)
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return err
	}
	if err := name(temp, path); err != nil {
		return err
	}
	return d.sync(key)
}

// sync puts the name of key on disk.
func (d *disk) sync(key string) error {
	folder := filepath.Dir(d.path(key))
	if err := d.keep(folder); err != nil {
		return err
	}
	return d.syncDir(folder)
}

// keep puts the name of folder on disk, and those of all folders above it, whichever process made them.
func (d *disk) keep(folder string) error {
	if _, done := d.durable.Load(folder); done {
		return nil
	}
	parent := filepath.Dir(folder)
	if folder != d.root {
		if err := d.keep(parent); err != nil {
			return err
		}
	}
	// The folder around the store may be one that this user cannot open; then
	// the store was not made just now either.
	if err := d.syncDir(parent); err != nil && (folder != d.root || !errors.Is(err, fs.ErrPermission)) {
		return err
	}
	d.durable.Store(folder, true)
	return nil
}

func (d *disk) syncDir(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return d.flush(f)
}

// lock excludes every other lock of a key, in all processes of all hosts that share the store. (Some other keys have the
// same lock.) The kernel releases the lock of a process that dies.
func (d *disk) lock(ctx context.Context, key string) (unlock func(), err error) {
	if err := os.MkdirAll(d.path(lockDir), 0o777); err != nil {
		return nil, err
	}
	sum := sha256.Sum256([]byte(key))
	f, err := os.OpenFile(d.path(fmt.Sprintf("%s/%02x", lockDir, int(sum[0])%d.locks)), os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return nil, err
	}
	for start, wait, said := time.Now(), time.Millisecond, false; ; wait = min(2*wait, 50*time.Millisecond) {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		waited := time.Since(start)
		switch {
		case err == nil:
			return func() { _ = f.Close() }, nil
		case !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR):
			_ = f.Close()
			return nil, err
		case waited > d.Patience:
			_ = f.Close()
			return nil, fmt.Errorf("%w: another process has held %s for %v; end it, or wait", ErrUnavailable, f.Name(), waited.Round(time.Millisecond))
		case waited > d.Patience/10 && !said:
			said = true
			Notice(ctx, fmt.Sprintf("waiting for another process, which holds %s", f.Name()))
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			_ = f.Close()
			return nil, ctx.Err()
		}
	}
}

// absent reports whether err says that there is no such file. A path through a file leads nowhere, too.
func absent(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
}

// taken reports whether err says that a name is in use, be it as a file where a folder has to be.
func taken(err error) bool {
	return errors.Is(err, fs.ErrExist) || errors.Is(err, syscall.ENOTDIR) || errors.Is(err, syscall.EISDIR)
}
