package store

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"sync"
	"time"
)

// A Memory is a Store that lasts as long as the process: for tests, and as the
// shortest statement of what a Store does.
type Memory struct {
	name    string
	mu      sync.RWMutex
	objects map[string]object
	folders map[string]int // of keys below it
}

type object struct {
	data    []byte // never modified
	modTime time.Time
}

// NewMemory returns an empty store. The name appears in its URL only.
func NewMemory(name string) *Memory {
	return &Memory{name: name, objects: make(map[string]object), folders: make(map[string]int)}
}

func (m *Memory) String() string { return "mem://" + m.name }

func (m *Memory) read(ctx context.Context, op, key string) (object, error) {
	if err := cmp.Or(CheckKey(op, key), ctx.Err()); err != nil {
		return object{}, err
	}
	m.mu.RLock()
	defer m.mu.RUnlock()
	o, ok := m.objects[key]
	if !ok {
		return object{}, fmt.Errorf("registry: %s %s: %w", op, key, ErrNotExist)
	}
	return o, nil
}

func (o object) info(key string) Info {
	return Info{Key: key, Size: int64(len(o.data)), ModTime: o.modTime}
}

func (m *Memory) Get(ctx context.Context, key string) (io.ReadCloser, Info, error) {
	o, err := m.read(ctx, "get", key)
	if err != nil {
		return nil, Info{}, err
	}
	return io.NopCloser(bytes.NewReader(o.data)), o.info(key), nil
}

func (m *Memory) Stat(ctx context.Context, key string) (Info, error) {
	o, err := m.read(ctx, "stat", key)
	if err != nil {
		return Info{}, err
	}
	return o.info(key), nil
}

func (m *Memory) Load(ctx context.Context, key string) ([]byte, Version, error) {
	o, err := m.read(ctx, "load", key)
	if err != nil {
		return nil, "", err
	}
	return bytes.Clone(o.data), versionOf(o.data), nil
}

func (m *Memory) Create(ctx context.Context, key string, body io.ReadSeeker, size int64, sum Digest) error {
	if err := CheckKey("create", key); err != nil {
		return err
	}
	var data bytes.Buffer
	if err := CopyVerified(ctx, &data, body, size, sum); err != nil {
		return fmt.Errorf("registry: create %s: %w", key, err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if o, ok := m.objects[key]; ok && bytes.Equal(o.data, data.Bytes()) {
		return nil
	} else if ok || m.nested(key) {
		return fmt.Errorf("registry: create %s: %w", key, ErrExist)
	}
	m.put(key, data.Bytes())
	return nil
}

func (m *Memory) Swap(ctx context.Context, key string, old Version, data []byte) (Version, error) {
	if err := cmp.Or(CheckKey("swap", key), ctx.Err()); err != nil {
		return "", err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	var current Version
	if o, ok := m.objects[key]; ok {
		current = versionOf(o.data)
	}
	if current != old || m.nested(key) {
		return "", fmt.Errorf("registry: swap %s: %w", key, ErrConflict)
	}
	m.put(key, bytes.Clone(data))
	return versionOf(data), nil
}

func (m *Memory) put(key string, data []byte) {
	if _, there := m.objects[key]; !there {
		m.count(key, 1)
	}
	m.objects[key] = object{data, time.Now()}
}

// count adds n to all folders of a key.
func (m *Memory) count(key string, n int) {
	for i, r := range key {
		if r == '/' {
			m.folders[key[:i]] += n
		}
	}
}

// nested reports whether key is a folder of another key or the reverse.
func (m *Memory) nested(key string) bool {
	for i, r := range key {
		if _, taken := m.objects[key[:i]]; r == '/' && taken {
			return true
		}
	}
	return m.folders[key] > 0
}

func (m *Memory) List(ctx context.Context, prefix string) iter.Seq2[Info, error] {
	return func(yield func(Info, error) bool) {
		if err := CheckPrefix(prefix); err != nil {
			yield(Info{}, err)
			return
		}
		for _, info := range m.infos(prefix) {
			if err := ctx.Err(); err != nil {
				yield(Info{}, err)
				return
			}
			if !yield(info, nil) {
				return
			}
		}
	}
}

// infos is a sorted copy: a caller may write to the store while it ranges.
func (m *Memory) infos(prefix string) []Info {
	m.mu.RLock()
	defer m.mu.RUnlock()
	var infos []Info
	for key, o := range m.objects {
		if strings.HasPrefix(key, prefix) {
			infos = append(infos, o.info(key))
		}
	}
	slices.SortFunc(infos, func(a, b Info) int { return strings.Compare(a.Key, b.Key) })
	return infos
}

// Names is that of Dir.
func (m *Memory) Names(ctx context.Context, folder string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		last := ""
		for info, err := range m.List(ctx, folder) {
			if err != nil {
				yield("", err)
				return
			}
			name, _, _ := strings.Cut(strings.TrimPrefix(info.Key, folder), "/")
			if name != last && !yield(name, nil) {
				return
			}
			last = name
		}
	}
}

func (m *Memory) Delete(ctx context.Context, key string) error {
	if err := cmp.Or(CheckKey("delete", key), ctx.Err()); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, there := m.objects[key]; there {
		delete(m.objects, key)
		m.count(key, -1)
	}
	return nil
}
