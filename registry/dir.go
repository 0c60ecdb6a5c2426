package registry

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
)

const (
	// tempDir holds files being written. What a killed process leaves there is
	// never listed and may be removed whenever no writer is at work.
	tempDir = ".tmp"
	// lockFile is locked with flock(2) around Swap and Delete, never removed.
	lockFile = ".lock"
)

// A Dir is a Store in a directory, one read-only file per object. It needs a
// file system with hard links, flock(2) and fsync(2) of directories: any local
// Unix file system, and NFS from version 4.
type Dir struct {
	root    string
	durable sync.Map // folders whose names are known to be on disk up to the root
}

// NewDir returns the store in the directory path. It does not touch the disk:
// the first write makes the directory and its parents.
func NewDir(path string) (*Dir, error) {
	if path == "" {
		return nil, errors.New("registry: the path of a directory store is empty")
	}
	root, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("registry: %w", err)
	}
	return &Dir{root: root}, nil
}

func (d *Dir) String() string {
	return (&url.URL{Scheme: "file", Path: filepath.ToSlash(d.root)}).String()
}

func (d *Dir) path(key string) string {
	return filepath.Join(d.root, filepath.FromSlash(key))
}

func (d *Dir) Get(ctx context.Context, key string) (io.ReadCloser, Info, error) {
	if err := cmp.Or(checkKey("get", key), ctx.Err()); err != nil {
		return nil, Info{}, err
	}
	f, err := os.Open(d.path(key))
	if err != nil {
		return nil, Info{}, readError("get", key, err)
	}
	fi, err := f.Stat()
	if err == nil && !fi.Mode().IsRegular() {
		err = fs.ErrNotExist // a folder is not an object
	}
	if err != nil {
		f.Close()
		return nil, Info{}, readError("get", key, err)
	}
	return f, fileInfo(key, fi), nil
}

func (d *Dir) Stat(ctx context.Context, key string) (Info, error) {
	if err := cmp.Or(checkKey("stat", key), ctx.Err()); err != nil {
		return Info{}, err
	}
	fi, err := os.Stat(d.path(key))
	if err == nil && !fi.Mode().IsRegular() {
		err = fs.ErrNotExist
	}
	if err != nil {
		return Info{}, readError("stat", key, err)
	}
	return fileInfo(key, fi), nil
}

// Create hashes while it writes a temporary file, then gives that file its
// name by link(2), the one call that names a whole file and fails when the name
// is taken.
func (d *Dir) Create(ctx context.Context, key string, body io.ReadSeeker, size int64, sum Digest) error {
	if err := checkKey("create", key); err != nil {
		return err
	}
	if err := d.holds(ctx, key, size, sum); !errors.Is(err, ErrNotExist) {
		return err
	}
	temp, err := d.temp(ctx, body, size, sum)
	if err != nil {
		return writeError("create", key, err)
	}
	defer os.Remove(temp)

	err = d.publish(os.Link, temp, key)
	if taken(err) {
		err := d.holds(ctx, key, size, sum)
		if errors.Is(err, ErrNotExist) { // a folder is in the way
			err = fmt.Errorf("registry: create %s: %w", key, ErrExist)
		}
		return err
	}
	return writeError("create", key, err)
}

// holds returns nil if key durably holds the bytes described, ErrExist if it
// holds others, ErrNotExist if it holds none.
func (d *Dir) holds(ctx context.Context, key string, size int64, sum Digest) error {
	f, info, err := d.Get(ctx, key)
	if err != nil {
		return err
	}
	defer f.Close()
	if info.Size != size {
		return fmt.Errorf("registry: create %s: %w with %d bytes, not %d", key, ErrExist, info.Size, size)
	}
	got, err := digestReader(ctx, f)
	if err != nil {
		return readError("create", key, err)
	}
	if got != sum {
		return fmt.Errorf("registry: create %s: %w with digest %s, not %s", key, ErrExist, got, sum)
	}
	// The writer that won may not have come to this yet, and the caller is
	// about to build on the object.
	return writeError("create", key, d.sync(key))
}

func (d *Dir) Load(ctx context.Context, key string) ([]byte, Version, error) {
	f, _, err := d.Get(ctx, key)
	if err != nil {
		return nil, "", err
	}
	defer f.Close()
	data, err := io.ReadAll(reader{ctx, f})
	if err != nil {
		return nil, "", readError("load", key, err)
	}
	return data, versionOf(data), nil
}

// versionOf is the digest. Inode and time would not do: two quick swaps can
// bring back the same inode within one tick of the file system's clock.
func versionOf(data []byte) Version { return Version(DigestOf(data)) }

func (d *Dir) Swap(ctx context.Context, key string, old Version, data []byte) (Version, error) {
	if err := checkKey("swap", key); err != nil {
		return "", err
	}
	unlock, err := d.lock(ctx)
	if err != nil {
		return "", writeError("swap", key, err)
	}
	defer unlock()

	_, current, err := d.Load(ctx, key)
	if err != nil && !errors.Is(err, ErrNotExist) {
		return "", err
	}
	if current != old {
		return "", fmt.Errorf("registry: swap %s: %w: version is %q, not %q", key, ErrConflict, current, old)
	}
	temp, err := d.temp(ctx, bytes.NewReader(data), int64(len(data)), DigestOf(data))
	if err != nil {
		return "", writeError("swap", key, err)
	}
	defer os.Remove(temp)

	name := os.Rename
	if old == "" {
		name = os.Link // Create does not take the lock
	}
	if err := d.publish(name, temp, key); taken(err) {
		return "", fmt.Errorf("registry: swap %s: %w: it is there already", key, ErrConflict)
	} else if err != nil {
		return "", writeError("swap", key, err)
	}
	return versionOf(data), nil
}

func (d *Dir) List(ctx context.Context, prefix string) iter.Seq2[Info, error] {
	return func(yield func(Info, error) bool) {
		if err := checkPrefix(prefix); err != nil {
			yield(Info{}, err)
			return
		}
		d.list(ctx, prefix[:strings.LastIndexByte(prefix, '/')+1], prefix, yield)
	}
}

// list yields what starts with prefix in folder, which is "" or ends in a
// slash, and reports whether to go on.
func (d *Dir) list(ctx context.Context, folder, prefix string, yield func(Info, error) bool) bool {
	entries, err := os.ReadDir(d.path(folder))
	if err := cmp.Or(ctx.Err(), err); err != nil && !absent(err) {
		yield(Info{}, writeError("list", folder, err))
		return false
	}
	// The order is that of whole keys: "a-b" comes before "a/b", though the
	// folder "a" comes before the file "a-b".
	name := func(e fs.DirEntry) string {
		if e.IsDir() {
			return e.Name() + "/"
		}
		return e.Name()
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(name(a), name(b)) })

	for _, e := range entries {
		key := folder + name(e)
		if strings.HasPrefix(e.Name(), ".") || !strings.HasPrefix(key, prefix) && !strings.HasPrefix(prefix, key) {
			continue
		}
		if e.IsDir() {
			if !d.list(ctx, key, prefix, yield) {
				return false
			}
			continue
		}
		fi, err := e.Info()
		if absent(err) || !strings.HasPrefix(key, prefix) {
			continue
		}
		if err != nil {
			yield(Info{}, writeError("list", key, err))
			return false
		}
		if !yield(fileInfo(key, fi), nil) {
			return false
		}
	}
	return true
}

// Delete leaves empty folders behind: removing one could race with a Create
// that is about to use it.
func (d *Dir) Delete(ctx context.Context, key string) error {
	if _, err := d.Stat(ctx, key); errors.Is(err, ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	unlock, err := d.lock(ctx)
	if err != nil {
		return writeError("delete", key, err)
	}
	defer unlock()
	if err := os.Remove(d.path(key)); err != nil && !absent(err) {
		return writeError("delete", key, err)
	}
	return writeError("delete", key, syncDir(filepath.Dir(d.path(key))))
}

// temp writes body to a new file on the file system of the store, verified, on
// disk and read-only. The caller removes it.
func (d *Dir) temp(ctx context.Context, body io.ReadSeeker, size int64, sum Digest) (name string, err error) {
	dir := d.path(tempDir)
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return "", err
	}
	f, err := os.CreateTemp(dir, "*")
	if err != nil {
		return "", err
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(f.Name())
		}
	}()
	if err := copyBody(ctx, f, body, size, sum); err != nil {
		return "", err
	}
	if err := f.Chmod(0o444); err != nil {
		return "", err
	}
	if err := f.Sync(); err != nil {
		return "", err
	}
	return f.Name(), f.Close()
}

// publish gives the file temp the name of key, durably. Its error satisfies
// taken if the name is in use.
func (d *Dir) publish(name func(oldPath, newPath string) error, temp, key string) error {
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
func (d *Dir) sync(key string) error {
	folder := filepath.Dir(d.path(key))
	if err := d.keep(folder); err != nil {
		return err
	}
	return syncDir(folder)
}

// keep puts the name of folder on disk, and those of all folders above it,
// whichever process made them.
func (d *Dir) keep(folder string) error {
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
	if err := syncDir(parent); err != nil && (folder != d.root || !errors.Is(err, fs.ErrPermission)) {
		return err
	}
	d.durable.Store(folder, true)
	return nil
}

func syncDir(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}

// lock excludes every other lock of this store, in all processes of all hosts
// that share it. The kernel releases the lock of a process that dies.
func (d *Dir) lock(ctx context.Context) (unlock func(), err error) {
	if err := os.MkdirAll(d.root, 0o777); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(d.path(lockFile), os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return nil, err
	}
	locked := make(chan error, 1)
	go func() {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX)
		for err == syscall.EINTR {
			err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX)
		}
		locked <- err
	}()
	select {
	case err := <-locked:
		if err != nil {
			f.Close()
			return nil, err
		}
		return func() { f.Close() }, nil
	case <-ctx.Done():
		go func() { // closing before flock returns would not end the wait
			<-locked
			f.Close()
		}()
		return nil, ctx.Err()
	}
}

func fileInfo(key string, fi fs.FileInfo) Info {
	return Info{Key: key, Size: fi.Size(), ModTime: fi.ModTime()}
}

// absent reports whether err says that there is no such file. A path through
// a file leads nowhere, too.
func absent(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
}

// taken reports whether err says that a name is in use, be it as a file where
// a folder has to be.
func taken(err error) bool {
	return errors.Is(err, fs.ErrExist) || errors.Is(err, syscall.ENOTDIR) || errors.Is(err, syscall.EISDIR)
}

func readError(op, key string, err error) error {
	if absent(err) {
		return fmt.Errorf("registry: %s %s: %w", op, key, ErrNotExist)
	}
	return writeError(op, key, err)
}

// writeError says what failed; every error of the operating system means that
// the storage is unavailable.
func writeError(op, key string, err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[syscall.Errno](err); ok {
		err = fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return fmt.Errorf("registry: %s %s: %w", op, key, err)
}
