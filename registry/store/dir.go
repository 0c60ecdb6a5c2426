package store

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
	"syscall"
	"time"
)

// A Dir is a Store in a directory, one read-only file per object. It needs a file system with hard links, flock(2)
// and fsync(2) of directories, all of them for all hosts that share it. Safe says where that cannot be.
type Dir struct{ disk }

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
	return &Dir{disk{root: root, Patience: time.Minute, locks: 256, flush: (*os.File).Sync}}, nil
}

func (d *Dir) String() string {
	return (&url.URL{Scheme: "file", Path: filepath.ToSlash(d.root)}).String()
}

func (d *Dir) Get(ctx context.Context, key string) (io.ReadCloser, Info, error) {
	if err := cmp.Or(CheckKey("get", key), ctx.Err()); err != nil {
		return nil, Info{}, err
	}
	fi, err := d.lstat(key)
	if err != nil {
		return nil, Info{}, readError("get", key, err)
	}
	f, err := os.Open(d.path(key))
	if err != nil {
		return nil, Info{}, readError("get", key, err)
	}
	return f, fileInfo(key, fi), nil
}

func (d *Dir) Stat(ctx context.Context, key string) (Info, error) {
	if err := cmp.Or(CheckKey("stat", key), ctx.Err()); err != nil {
		return Info{}, err
	}
	fi, err := d.lstat(key)
	if err != nil {
		return Info{}, readError("stat", key, err)
	}
	return fileInfo(key, fi), nil
}

// Create hashes while it writes a temporary file, then gives that file its name by link(2), the one call that names
// a whole file and fails when the name is taken.
func (d *Dir) Create(ctx context.Context, key string, body io.ReadSeeker, size int64, sum Digest) error {
	if err := CheckKey("create", key); err != nil {
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

// holds is Holds, durably.
func (d *Dir) holds(ctx context.Context, key string, size int64, sum Digest) error {
	if err := Holds(ctx, d, key, size, sum); err != nil {
		return err
	}
	// The writer that won may not have come to this yet, and the caller is about to build on the object.
	return writeError("create", key, d.sync(key))
}

func (d *Dir) Load(ctx context.Context, key string) ([]byte, Version, error) {
	f, info, err := d.Get(ctx, key)
	if err != nil {
		return nil, "", err
	}
	defer f.Close()
	data := bytes.NewBuffer(make([]byte, 0, min(info.Size, 64<<20)+bytes.MinRead))
	if _, err = data.ReadFrom(ContextReader(ctx, f)); err != nil {
		return nil, "", readError("load", key, err)
	}
	return data.Bytes(), versionOf(data.Bytes()), nil
}

func (d *Dir) Swap(ctx context.Context, key string, old Version, data []byte) (Version, error) {
	if err := CheckKey("swap", key); err != nil {
		return "", err
	}
	unlock, err := d.lock(ctx, key)
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
		if err := CheckPrefix(prefix); err != nil {
			yield(Info{}, err)
			return
		}
		folder := prefix[:strings.LastIndexByte(prefix, '/')+1]
		if err := d.plain(folder); err != nil && !absent(err) {
			yield(Info{}, readError("list", folder, err))
			return
		}
		d.list(ctx, folder, prefix, yield)
	}
}

// Names yields what is directly in a folder, given with its slash, in no order, some perhaps again: far cheaper than List
// where folders are many. An error is yielded last.
func (d *Dir) Names(ctx context.Context, folder string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		err := cmp.Or(CheckPrefix(folder), ctx.Err())
		if err == nil {
			err = d.plain(folder)
		}
		var opened *os.File
		if err == nil {
			opened, err = os.Open(d.path(folder))
		}
		if err == nil {
			defer opened.Close()
		}
		for err == nil {
			var some []string
			some, err = opened.Readdirnames(1024)
			for _, name := range some {
				if !yield(name, nil) {
					return
				}
			}
		}
		if !errors.Is(err, io.EOF) && !absent(err) {
			yield("", readError("list", folder, err))
		}
	}
}

// list yields what starts with prefix in folder, which is "" or ends in a slash, and reports whether to go on.
func (d *Dir) list(ctx context.Context, folder, prefix string, yield func(Info, error) bool) bool {
	entries, err := os.ReadDir(d.path(folder))
	if err := cmp.Or(ctx.Err(), err); err != nil && !absent(err) {
		if ctx.Err() == nil && len(folder) > len(prefix) { // one of many: it hides no other
			return yield(Info{Key: strings.TrimSuffix(folder, "/"), Special: "folder that cannot be read: " + reason(err)}, nil)
		}
		yield(Info{}, writeError("list", folder, err))
		return false
	}
	// The order is that of whole keys: "a-b" comes before "a/b", though the folder "a" comes before the file "a-b".
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
		info := Info{Key: key}
		if err == nil {
			info = fileInfo(key, fi)
		} else {
			info.Special = "file that cannot be read: " + reason(err)
		}
		if !yield(info, nil) {
			return false
		}
	}
	return true
}

// Delete leaves empty folders behind: removing one could race with a Create that is about to use it.
func (d *Dir) Delete(ctx context.Context, key string) error {
	if err := cmp.Or(CheckKey("delete", key), ctx.Err()); err != nil {
		return err
	}
	if _, err := d.lstat(key); absent(err) { // a folder is not an object
		return nil
	} else if err := d.plain(key); err != nil {
		return readError("delete", key, err)
	}
	unlock, err := d.lock(ctx, key)
	if err != nil {
		return writeError("delete", key, err)
	}
	defer unlock()
	if err := os.Remove(d.path(key)); err != nil && !absent(err) {
		return writeError("delete", key, err)
	}
	return writeError("delete", key, d.syncDir(filepath.Dir(d.path(key))))
}

// lstat describes the file of a key. What is no file is ErrCorrupt, but for a folder, which does not exist.
func (d *Dir) lstat(key string) (fs.FileInfo, error) {
	if err := d.plain(key); err != nil {
		return nil, err
	}
	fi, err := os.Lstat(d.path(key))
	if err == nil && fi.IsDir() {
		err = fs.ErrNotExist
	}
	if err != nil {
		return nil, err
	}
	if what := special(fi.Mode()); what != "" {
		return nil, fmt.Errorf("%w: it is a %s, and no regular file", ErrCorrupt, what)
	}
	return fi, nil
}

// plain fails if a folder of key is a symbolic link: what is behind one may be outside, or changed by others.
func (d *Dir) plain(key string) error {
	for i, r := range key {
		if r != '/' {
			continue
		}
		fi, err := os.Lstat(d.path(key[:i]))
		if err != nil {
			return err
		}
		if what := special(fi.Mode()); what != "" {
			return fmt.Errorf("%w: %s is a %s, which no store follows", ErrCorrupt, key[:i], what)
		}
	}
	return nil
}

// special says what is neither a regular file nor a folder.
func special(mode fs.FileMode) string {
	switch {
	case mode.IsRegular(), mode.IsDir():
		return ""
	case mode&fs.ModeSymlink != 0:
		return "symbolic link"
	case mode&fs.ModeNamedPipe != 0:
		return "named pipe"
	}
	return "special file"
}

// reason is an error of the operating system without the path.
func reason(err error) string {
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		return errno.Error()
	}
	return err.Error()
}

func fileInfo(key string, fi fs.FileInfo) Info {
	if what := special(fi.Mode()); what != "" {
		return Info{Key: key, ModTime: fi.ModTime(), Special: what}
	}
	return Info{Key: key, Size: fi.Size(), ModTime: fi.ModTime()}
}

func readError(op, key string, err error) error {
	if absent(err) {
		return fmt.Errorf("registry: %s %s: %w", op, key, ErrNotExist)
	}
	return writeError(op, key, err)
}

// writeError says what failed; every error of the operating system means that the storage is unavailable.
func writeError(op, key string, err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[syscall.Errno](err); ok {
		err = fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return fmt.Errorf("registry: %s %s: %w", op, key, err)
}
