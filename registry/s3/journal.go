package s3

import (
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"syscall"
)

// A journal remembers the id of one multipart upload on this machine. It is
// locked as long as it is open, so two live writers never share an upload. It
// is a convenience: without it, and whatever its content, an upload succeeds,
// only slower. All methods work on a nil journal, which remembers nothing.
type journal struct {
	file *os.File
}

type journalEntry struct {
	Upload   string `json:"upload"`
	PartSize int64  `json:"partSize"`
}

// openJournal returns nil if another writer is at work on the same object, or
// if there is no place for journals.
func openJournal(folder, name string) *journal {
	if os.MkdirAll(folder, 0o700) != nil {
		return nil
	}
	file, err := os.OpenFile(filepath.Join(folder, name+".json"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil
	}
	if syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) != nil {
		file.Close()
		return nil
	}
	return &journal{file}
}

// resume returns the id of an upload to go on with, or "".
func (j *journal) resume(partSize int64) string {
	if j == nil {
		return ""
	}
	text, err := io.ReadAll(io.LimitReader(j.file, 1<<16))
	var entry journalEntry
	if err != nil || json.Unmarshal(text, &entry) != nil || entry.PartSize != partSize {
		return ""
	}
	return entry.Upload
}

func (j *journal) save(upload string, partSize int64) {
	if j == nil {
		return
	}
	text, err := json.Marshal(journalEntry{upload, partSize})
	if err == nil && j.file.Truncate(0) == nil {
		j.file.WriteAt(text, 0)
	}
}

// remove forgets the upload.
func (j *journal) remove() {
	if j != nil {
		os.Remove(j.file.Name())
	}
}

func (j *journal) close() {
	if j != nil {
		j.file.Close()
	}
}
