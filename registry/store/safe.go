package store

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// Writable says why the directory, or the nearest one above it that is there, cannot be written to, or not by several
// writers; nil if it can. It leaves nothing behind. Errors: ErrUnavailable.
func (d *Dir) Writable() error {
	f, err := os.CreateTemp(d.nearest(), ".writable-*")
	if err == nil {
		err = cmp.Or(f.Close(), os.Remove(f.Name()))
	}
	if err != nil {
		return fmt.Errorf("registry: %w: %w", ErrUnavailable, err)
	}
	return d.Safe()
}

// nearest is the directory, or the nearest one above it that is there.
func (d *Dir) nearest() string {
	folder := d.root
	for {
		if _, err := os.Stat(folder); err == nil || folder == filepath.Dir(folder) {
			return folder
		}
		folder = filepath.Dir(folder)
	}
}

// Safe says why the file system does not keep writers apart, as far as this machine can tell; nil if it does, or nothing
// can be written there anyway. It leaves nothing behind. Errors: ErrUnavailable, with what is lacking.
func (d *Dir) Safe() error {
	folder := d.nearest()
	lack := ""
	if mounts, err := os.ReadFile("/proc/self/mountinfo"); err == nil { // Linux
		real, err := filepath.EvalSymlinks(folder)
		if err != nil {
			real = folder
		}
		lack = mountOf(string(mounts), real).lack()
	}
	if lack == "" {
		lack = tryOut(folder, os.Link, syscall.Flock)
	}
	if lack == "" {
		return nil
	}
	return fmt.Errorf("registry: %s: %w: several writers would not be kept apart there: %s; use another directory, or a bucket", folder, ErrUnavailable, lack)
}

// A mount is a line of /proc/self/mountinfo.
type mount struct {
	point, kind string
	options     []string // of the mount and of its file system
}

// mountOf finds the mount that a path is on; the zero value if there is none.
func mountOf(mountinfo, path string) (on mount) {
	for line := range strings.Lines(mountinfo) {
		own, system, ok := strings.Cut(line, " - ")
		left, right := strings.Fields(own), strings.Fields(system)
		if !ok || len(left) < 6 || len(right) < 3 {
			continue
		}
		m := mount{point: unescape(left[4]), kind: right[0], options: strings.Split(left[5]+","+right[2], ",")}
		below, err := filepath.Rel(m.point, path)
		if err == nil && filepath.IsLocal(below) && len(m.point) >= len(on.point) { // what is mounted last lies on top
			on = m
		}
	}
	return on
}

// unescape replaces the blanks and backslashes that mountinfo writes in octal.
var unescape = strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace

// lack is what a shared file system says that it does not do, by proc(5), nfs(5) and mount.lustre(8); empty if nothing.
func (m mount) lack() string {
	has := func(options ...string) string {
		for _, o := range options {
			if slices.Contains(m.options, o) {
				return o
			}
		}
		return ""
	}
	switch m.kind {
	case "nfs", "nfs4":
		if o := has("nolock", "local_lock=all", "local_lock=flock"); o != "" {
			return fmt.Sprintf("%s is NFS that is mounted with %s, so that no lock reaches other machines", m.point, o)
		}
		if o := has("vers=2", "vers=3", "nfsvers=2", "nfsvers=3", "v2", "v3"); o != "" {
			return fmt.Sprintf("%s is NFS of a version before 4 (%s), which repeats a request whose answer was lost, and loses locks", m.point, o)
		}
	case "lustre":
		if o := has("localflock", "noflock"); o != "" {
			return fmt.Sprintf("%s is Lustre that is mounted with %s; it has to be flock", m.point, o)
		}
	}
	return ""
}

// tryOut links and locks in a folder, and says what does not work; empty if all does, or the folder cannot be written to
// for other reasons, as the first write will say.
func tryOut(folder string, link func(from, to string) error, flock func(fd, how int) error) (lack string) {
	f, err := os.CreateTemp(folder, ".safe-*")
	if err != nil {
		return ""
	}
	defer f.Close()
	defer os.Remove(f.Name())
	second := f.Name() + "-link"
	defer os.Remove(second)
	if err := link(f.Name(), second); errors.Is(err, errors.ErrUnsupported) || errors.Is(err, fs.ErrPermission) {
		return fmt.Sprintf("a file cannot have a second name (%v)", reason(err))
	} else if err != nil {
		return ""
	}
	if err := link(f.Name(), second); !errors.Is(err, fs.ErrExist) {
		return "a name that is taken can be given to another file"
	}
	other, err := os.OpenFile(f.Name(), os.O_RDWR, 0)
	if err != nil {
		return ""
	}
	defer other.Close()
	if err := flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return fmt.Sprintf("a file cannot be locked (%v)", reason(err))
	}
	if err := flock(int(other.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); !errors.Is(err, syscall.EWOULDBLOCK) {
		return "a file that is locked can be locked once more"
	}
	return ""
}
