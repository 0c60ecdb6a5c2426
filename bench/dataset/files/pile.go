package files

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/cidbench/cidbench/bench/dataset/pictures"
)

const (
	// maxFile is the most that one file may hold, maxUnpacked what a compressed archive may: it is read into memory.
	maxFile     = 1 << 30
	maxUnpacked = 2 << 30
	// maxDepth bounds folders in folders, as links may lead round.
	maxDepth = 8
)

// A pile is where the files of a data set lie: a folder, a zip or a tar. Files are read in any order, by several
// goroutines at once.
type pile struct {
	path  string            // of the pile itself, for errors
	files map[string]member // by name, with slashes
	close func() error
}

type member struct {
	size  int64
	read  func() ([]byte, error)
	fault error // why it cannot be read, though it is there
}

func unreadable(format string, args ...any) member { return member{fault: fmt.Errorf(format, args...)} }

// add adds a file. Of two of one name nobody knows which is meant.
func (p *pile) add(name string, m member) {
	if _, ok := p.files[name]; ok {
		m = unreadable("there are two files of this name")
	}
	p.files[name] = m
}

// others lists the files but those that were used.
func (p *pile) others(used ...string) []string {
	return slices.DeleteFunc(p.names(), func(name string) bool { return slices.Contains(used, name) })
}

// names lists the files in the order of their names.
func (p *pile) names() []string {
	names := make([]string, 0, len(p.files))
	for name := range p.files {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// read gives a file whole.
func (p *pile) read(name string) ([]byte, error) {
	file, ok := p.files[name]
	if !ok {
		return nil, fmt.Errorf("%s: %s is not in it", p.path, name)
	}
	if file.fault != nil {
		return nil, fmt.Errorf("%s: %s: %w", p.path, name, file.fault)
	}
	if file.size > maxFile {
		return nil, fmt.Errorf("%s: %s says that it has %d bytes; %d are the most", p.path, name, file.size, maxFile)
	}
	content, err := file.read()
	if err != nil {
		return nil, fmt.Errorf("%s: %s: %w", p.path, name, err)
	}
	return content, nil
}

// under drops a folder that holds all files, as that of an archive usually does, and is no class.
func (p *pile) under() {
	for {
		folder, _, ok := strings.Cut(p.first(), "/")
		if !ok {
			return
		}
		stripped := make(map[string]member, len(p.files))
		for name, file := range p.files {
			rest, ok := strings.CutPrefix(name, folder+"/")
			if !ok || pictures.Named(rest) && !strings.Contains(rest, "/") {
				return
			}
			stripped[rest] = file
		}
		p.files = stripped
	}
}

func (p *pile) first() string {
	for name := range p.files {
		return name
	}
	return ""
}

// openPile opens what lies at a path.
func openPile(at string) (*pile, error) {
	info, err := os.Stat(at)
	if err != nil {
		return nil, err
	}
	p := &pile{path: at, files: map[string]member{}, close: func() error { return nil }}
	if info.IsDir() {
		err := p.addFolder(at, "", 0)
		p.under()
		return p, err
	}
	file, err := os.Open(at)
	if err != nil {
		return nil, err
	}
	p.close = file.Close
	magic := make([]byte, 4)
	if _, err := file.ReadAt(magic, 0); err != nil {
		err = fmt.Errorf("%s: %d bytes: want a zip, a tar, a tar.gz or a folder", at, info.Size())
		return nil, errors.Join(err, file.Close())
	}
	switch {
	case string(magic) == "PK\x03\x04":
		err = p.addZip(file, info.Size())
	case magic[0] == 0x1f && magic[1] == 0x8b:
		err = p.addGzip(file, info.Size())
	default:
		if err = p.addTar(io.NewSectionReader(file, 0, info.Size()), ""); err != nil && len(p.files) == 0 {
			err = fmt.Errorf("%s: it begins with %q: want a zip, a tar, a tar.gz or a folder", at, magic)
		}
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	p.under()
	return p, nil
}

// addFolder adds the files of a folder and of those in it. Links are followed: subsets of ImageNet are made of them.
func (p *pile) addFolder(dir, prefix string, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("%s: folders lie %d deep; do links lead round in a circle?", dir, depth)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		full, name := filepath.Join(dir, entry.Name()), path.Join(prefix, entry.Name())
		info, err := os.Stat(full)
		switch {
		case err != nil: // such as a link to nothing
			p.add(name, unreadable("%w", err))
			continue
		case info.IsDir():
			err = p.addFolder(full, name, depth+1)
		case !info.Mode().IsRegular():
			p.add(name, unreadable("it is no file, but %s", kind(info.Mode())))
		case strings.HasSuffix(name, ".tar"):
			err = p.addTarFile(full, strings.TrimSuffix(name, ".tar"))
		default:
			p.add(name, member{size: info.Size(), read: func() ([]byte, error) { return os.ReadFile(full) }})
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// kind names what is neither a file nor a folder.
func kind(m fs.FileMode) string {
	switch m.Type() {
	case fs.ModeSymlink:
		return "a symbolic link"
	case fs.ModeNamedPipe:
		return "a pipe"
	case fs.ModeSocket:
		return "a socket"
	case fs.ModeDevice, fs.ModeDevice | fs.ModeCharDevice:
		return "a device"
	}
	return "of a kind that is not read"
}

func (p *pile) addTarFile(at, prefix string) error {
	file, err := os.Open(at)
	if err != nil {
		return err
	}
	info, err := file.Stat()
	if err == nil {
		err = p.addTar(io.NewSectionReader(file, 0, info.Size()), prefix)
	}
	others := p.close
	p.close = func() error { return errors.Join(file.Close(), others()) }
	return err
}

// addTar adds the files of a tar by their places in it; a tar in it is a folder of that name. Nothing is unpacked. A hard
// link is the file that it leads to, which comes before it; where other links lead, nobody can know but who unpacks them.
func (p *pile) addTar(archive *io.SectionReader, prefix string) error {
	for r := tar.NewReader(archive); ; {
		header, err := r.Next()
		at, _ := archive.Seek(0, io.SeekCurrent)
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("%s: byte %d: want the header of a file in a tar: %w", path.Join(p.path, prefix), at, err)
		}
		within := func(name string) string { return strings.TrimPrefix(path.Join(prefix, path.Clean("/"+name)), "/") }
		name := within(header.Name)
		switch header.Typeflag {
		case tar.TypeReg:
		case tar.TypeDir, tar.TypeXGlobalHeader: // no files
			continue
		case tar.TypeLink:
			target, ok := p.files[within(header.Linkname)]
			if !ok {
				target = unreadable("it is a link to %s, which is not in the tar before it", header.Linkname)
			}
			p.add(name, target)
			continue
		default:
			p.add(name, unreadable("it is no file, but %s: pack the tar with --dereference", kind(header.FileInfo().Mode())))
			continue
		}
		content := io.NewSectionReader(archive, at, header.Size)
		if at+header.Size > archive.Size() {
			return fmt.Errorf("%s: %s: byte %d: it says that %d bytes follow, and %d do: is it truncated?", p.path, name, at, header.Size, archive.Size()-at)
		}
		if folder, ok := strings.CutSuffix(name, ".tar"); ok {
			if err := p.addTar(content, folder); err != nil {
				return err
			}
			continue
		}
		p.add(name, member{size: header.Size, read: func() ([]byte, error) {
			whole := make([]byte, content.Size())
			_, err := content.ReadAt(whole, 0)
			return whole, err
		}})
	}
}

// addGzip adds the files of a tar.gz, which it holds in memory.
func (p *pile) addGzip(file io.ReaderAt, size int64) error {
	unpacked, err := gunzip(file, size, maxUnpacked)
	if err != nil {
		return fmt.Errorf("%s: %w", p.path, err)
	}
	return p.addTar(io.NewSectionReader(bytes.NewReader(unpacked), 0, int64(len(unpacked))), "")
}

// gunzip unpacks at most so many bytes. Room is made for as many as the file says at its end, if that is plausible.
func gunzip(packed io.ReaderAt, size, most int64) ([]byte, error) {
	z, err := gzip.NewReader(io.NewSectionReader(packed, 0, size))
	if err != nil {
		return nil, fmt.Errorf("want gzip: %w", err)
	}
	var unpacked bytes.Buffer
	end := make([]byte, 4)
	if _, err := packed.ReadAt(end, size-4); err == nil {
		unpacked.Grow(int(min(int64(binary.LittleEndian.Uint32(end)), most, 1000*size)) + bytes.MinRead)
	}
	n, err := unpacked.ReadFrom(io.LimitReader(z, most+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("gzip, after %d unpacked bytes: %w", n, err)
	case n > most:
		return nil, fmt.Errorf("it unpacks to more than %d bytes: unpack it, and name the tar or the folder", most)
	}
	return unpacked.Bytes(), nil
}

func (p *pile) addZip(file io.ReaderAt, size int64) error {
	archive, err := zip.NewReader(file, size)
	if err != nil {
		return fmt.Errorf("%s: want the directory of a zip at its end: is it truncated? %w", p.path, err)
	}
	for _, f := range archive.File {
		name := strings.TrimPrefix(path.Clean("/"+f.Name), "/")
		switch mode := f.Mode(); {
		case mode.IsDir():
		case !mode.IsRegular():
			p.add(name, unreadable("it is no file, but %s: pack the zip with the files themselves", kind(mode)))
		default:
			p.add(name, member{size: int64(min(f.UncompressedSize64, 1<<62)), read: func() ([]byte, error) {
				content, err := f.Open()
				if err != nil {
					return nil, err
				}
				defer content.Close()
				return io.ReadAll(io.LimitReader(content, maxFile))
			}})
		}
	}
	return nil
}
