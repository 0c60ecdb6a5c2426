package store

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestSafe: what mounts say of shared file systems, and what a file system does, decides whether writers are kept apart.
func TestSafe(t *testing.T) {
	const mounts = `22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw,errors=remount-ro
30 22 0:40 / /home rw,nosuid - nfs4 server:/home rw,vers=4.2,rsize=1048576,hard,proto=tcp,sec=sys,local_lock=none,addr=10.0.0.1
31 22 0:41 / /old\040home rw - nfs server:/old rw,vers=3,hard,local_lock=none,addr=10.0.0.1
32 22 0:42 / /scratch rw - nfs server:/scratch rw,vers=4.1,nolock,local_lock=flock,addr=10.0.0.1
33 22 0:43 / /lustre rw - lustre 10.0.0.2@tcp:/fs rw,flock,lazystatfs
34 22 0:44 / /lustre/local rw - lustre 10.0.0.2@tcp:/fs rw,localflock,lazystatfs
35 30 0:45 / /home/me/disk rw shared:7 master:2 - tmpfs tmpfs rw
a line that is none
`
	for path, want := range map[string]string{
		"/var/runs": "", "/home/me/runs": "", "/homes": "", "/home/me/disk/runs": "", "/lustre/runs": "",
		"/old home": "version before 4 (vers=3)", "/scratch/runs": "no lock reaches other machines", "/lustre/local/runs": "has to be flock",
	} {
		got := mountOf(mounts, path).lack()
		if want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("%s lacks %q, want %q", path, got, want)
		}
	}
	overwrites := func(from, to string) error {
		_ = os.Remove(to)
		return os.Link(from, to)
	}
	for want, do := range map[string]struct {
		link  func(string, string) error
		flock func(int, int) error
	}{
		"":                                {os.Link, syscall.Flock},
		"cannot have a second name":       {func(string, string) error { return syscall.EPERM }, syscall.Flock},
		"can be given to another file":    {overwrites, syscall.Flock},
		"cannot be locked (no locks":      {os.Link, func(int, int) error { return syscall.ENOLCK }},
		"is locked can be locked once mo": {os.Link, func(int, int) error { return nil }},
	} {
		folder := t.TempDir()
		if got := tryOut(folder, do.link, do.flock); want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("what lacks is %q, want %q", got, want)
		}
		if left, err := os.ReadDir(folder); err != nil || len(left) > 0 {
			t.Errorf("it leaves %v, %v", left, err)
		}
	}
	d, err := NewDir(filepath.Join(t.TempDir(), "not/yet"))
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Safe(); err != nil {
		t.Error(err)
	}
}
