package s3

import (
	"bytes"
	"context"
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/minio/minio-go/v7"
)

const (
	multipartSize = 96 << 20 // bodies from this size on are sent in parts
	minPartSize   = 16 << 20
	maxParts      = 10_000
)

// A part of an upload.
type uploadPart struct {
	number       int // from 1
	offset, size int64
	sha256       string // as in a header, checksumValue
	md5          string // hexadecimal
}

// partSizeOf is that of all parts but the last of a body.
func partSizeOf(size int64) int {
	partSize := minPartSize
	for (size-1)/int64(partSize) >= maxParts {
		partSize *= 2
	}
	return partSize
}

// partHasher is a writer that describes the parts it is given, each by one Write.
type partHasher struct {
	parts  []uploadPart
	offset int64
}

func (h *partHasher) Write(p []byte) (int, error) {
	sum, etag := sha256.Sum256(p), md5.Sum(p)
	h.parts = append(h.parts, uploadPart{
		len(h.parts) + 1, h.offset, int64(len(p)), base64.StdEncoding.EncodeToString(sum[:]), hex.EncodeToString(etag[:]),
	})
	h.offset += int64(len(p))
	return len(p), nil
}

type partsUpload struct {
	bucket
	key     string
	body    io.ReadSeeker
	parts   []uploadPart
	journal string // the file of the journal of this body, cut into these parts
}

// send goes on with the upload that the journal knows, or starts another. After
// a failure the upload stays, for the next attempt.
func (u partsUpload) send(ctx context.Context) error {
	journal := openJournal(u.journal)
	defer journal.close()
	id := journal.resume()
	there, err := u.partsThere(ctx, u.key, id)
	if err != nil {
		return err
	}
	if there == nil {
		if id, err = u.startUpload(ctx, u.key); err != nil {
			return err
		}
		journal.save(id)
	}
	complete := make([]minio.CompletePart, 0, len(u.parts))
	for _, part := range u.parts {
		done := minio.CompletePart{PartNumber: part.number, ETag: part.md5, ChecksumSHA256: part.sha256}
		if has, ok := there[part.number]; !ok || has.Size != part.size || strings.Trim(has.ETag, `"`) != part.md5 {
			if done, err = u.sendPart(ctx, u.key, id, u.body, part); err != nil {
				return err
			}
		}
		complete = append(complete, done)
	}
	err = u.completeUpload(ctx, u.key, id, complete)
	if err == nil || refused(err) {
		journal.remove()
	}
	if err != nil && (refused(err) || journal == nil) { // nobody will go on with it
		_ = u.client.AbortMultipartUpload(context.WithoutCancel(ctx), u.name, u.object(u.key), id)
	}
	return err
}

// startUpload says that each part will have a SHA-256, so that the server checks them.
func (b bucket) startUpload(ctx context.Context, key string) (id string, err error) {
	opts := minio.PutObjectOptions{UserMetadata: map[string]string{"x-amz-checksum-algorithm": "SHA256"}}
	return b.client.NewMultipartUpload(ctx, b.name, b.object(key), opts)
}

// partsThere returns the parts that an upload has, nil if there is no upload.
func (b bucket) partsThere(ctx context.Context, key, id string) (map[int]minio.ObjectPart, error) {
	if id == "" {
		return nil, nil
	}
	parts := make(map[int]minio.ObjectPart)
	for marker := 0; ; {
		list, err := b.client.ListObjectParts(ctx, b.name, b.object(key), id, marker, 1000)
		if answer(err).StatusCode == http.StatusNotFound {
			return nil, nil
		} else if err != nil {
			return nil, err
		}
		for _, part := range list.ObjectParts {
			parts[part.PartNumber] = part
		}
		if !list.IsTruncated || list.NextPartNumberMarker <= marker {
			return parts, nil
		}
		marker = list.NextPartNumberMarker
	}
}

func (b bucket) sendPart(ctx context.Context, key, id string, body io.ReadSeeker, part uploadPart) (minio.CompletePart, error) {
	var sent minio.ObjectPart
	_, err := b.retry(ctx, body, part.offset, part.size, func(ctx context.Context, r io.Reader) (err error) {
		sent, err = b.client.PutObjectPart(ctx, b.name, b.object(key), id, part.number, r, part.size,
			minio.PutObjectPartOptions{
				CustomHeader:         http.Header{http.CanonicalHeaderKey(checksumHeader): {part.sha256}},
				DisableContentSha256: true, // as in checked
			})
		return err
	})
	return minio.CompletePart{PartNumber: part.number, ETag: sent.ETag, ChecksumSHA256: part.sha256}, err
}

// completeUpload makes the object out of its parts, unless there is one. It is repeated when an answer is lost, and then
// learns that there is no such upload, which counts as a refusal.
func (b bucket) completeUpload(ctx context.Context, key, id string, parts []minio.CompletePart) error {
	var opts minio.PutObjectOptions
	ifVersion("")(&opts)
	_, err := b.retry(ctx, bytes.NewReader(nil), 0, 0, func(ctx context.Context, _ io.Reader) error {
		_, err := b.client.CompleteMultipartUpload(ctx, b.name, b.object(key), id, parts, opts)
		return err
	})
	return err
}

// A journal remembers the id of one multipart upload on this machine. It is locked as long as it is open, so two
// live writers never share an upload. It is a convenience: without it, and whatever its content, an upload
// succeeds, only slower. All methods work on a nil journal, which remembers nothing.
type journal struct {
	file *os.File
}

// openJournal returns nil if another writer is at work on the same object, or if there is no place for journals.
func openJournal(name string) *journal {
	if os.MkdirAll(filepath.Dir(name), 0o700) != nil {
		return nil
	}
	file, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil
	}
	if syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) != nil {
		_ = file.Close()
		return nil
	}
	return &journal{file}
}

// resume returns the id of an upload to go on with, or "".
func (j *journal) resume() string {
	if j == nil {
		return ""
	}
	id, err := io.ReadAll(io.LimitReader(j.file, 1<<12))
	if err != nil {
		return ""
	}
	return string(id)
}

func (j *journal) save(id string) {
	if j != nil && j.file.Truncate(0) == nil {
		_, _ = j.file.WriteAt([]byte(id), 0)
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
		_ = j.file.Close()
	}
}
