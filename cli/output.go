package cli

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// write writes to the file that a flag names, whole or not at all, or to stdout if that is empty or "-". A link is
// followed, and a file keeps its permissions. What is no regular file, such as a pipe or a device, is written to as it
// is, and stays.
func (c *Console) write(flag, file string, give func(io.Writer) error) error {
	if file == "" || file == "-" {
		return give(c.Stdout)
	}
	at, mode := file, fs.FileMode(0o644)
	switch info, err := os.Stat(file); {
	case errors.Is(err, fs.ErrNotExist):
		if _, err := os.Lstat(file); err == nil {
			return usagef("%s: %s is a link to a file that is not there", flag, file)
		}
	case err != nil:
		return usagef("%s: %w", flag, err)
	case info.IsDir():
		return usagef("%s: %s is a folder; name a file in it", flag, file)
	case !info.Mode().IsRegular():
		return c.writeThrough(flag, file, give)
	default:
		mode = info.Mode().Perm()
		if at, err = filepath.EvalSymlinks(file); err != nil {
			return usagef("%s: %w", flag, err)
		}
	}
	temp, err := os.CreateTemp(filepath.Dir(at), ".cidbench-*")
	if err != nil {
		return usagef("%s: %w", flag, err)
	}
	defer os.Remove(temp.Name()) // gone already if all went well
	if err := errors.Join(give(temp), temp.Chmod(mode), temp.Close()); err != nil {
		return err
	}
	if err := os.Rename(temp.Name(), at); err != nil {
		return usagef("%s: %w", flag, err)
	}
	c.Say("wrote " + file)
	return nil
}

// writeThrough writes to something that is there, and is no regular file.
func (c *Console) writeThrough(flag, file string, give func(io.Writer) error) error {
	out, err := os.OpenFile(file, os.O_WRONLY, 0)
	if err != nil {
		return usagef("%s: %w", flag, err)
	}
	return errors.Join(give(out), out.Close())
}
