package registry

import (
	"context"
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"io"
	"net/http"
	"strings"

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
	sum          Digest
	md5          string // hexadecimal
}

func newPart(number int, offset int64, data []byte) uploadPart {
	sum := md5.Sum(data)
	return uploadPart{number, offset, int64(len(data)), DigestOf(data), hex.EncodeToString(sum[:])}
}

// partHasher is a writer that describes the parts of what is written to it.
type partHasher struct {
	partSize    int64
	parts       []uploadPart
	offset      int64
	sha256, md5 hash.Hash
	size        int64 // of the current part
}

func newPartHasher(size int64) *partHasher {
	partSize := int64(minPartSize)
	for (size+partSize-1)/partSize > maxParts {
		partSize *= 2
	}
	return &partHasher{partSize: partSize, sha256: sha256.New(), md5: md5.New()}
}

func (h *partHasher) Write(p []byte) (int, error) {
	written := len(p)
	for len(p) > 0 {
		n := min(int64(len(p)), h.partSize-h.size)
		h.sha256.Write(p[:n])
		h.md5.Write(p[:n])
		h.size += n
		p = p[n:]
		if h.size == h.partSize {
			h.endPart()
		}
	}
	return written, nil
}

func (h *partHasher) endPart() {
	if h.size == 0 {
		return
	}
	h.parts = append(h.parts, uploadPart{
		len(h.parts) + 1, h.offset, h.size, digestFrom(h.sha256.Sum(nil)), hex.EncodeToString(h.md5.Sum(nil)),
	})
	h.offset += h.size
	h.size = 0
	h.sha256.Reset()
	h.md5.Reset()
}

func (s *S3) prepareParts(ctx context.Context, key string, body io.ReadSeeker, size int64, sum Digest) (uploader, error) {
	h := newPartHasher(size)
	if err := copyBody(ctx, h, body, size, sum); err != nil {
		return nil, err
	}
	h.endPart()
	return &partsUpload{s, key, body, sum, h.partSize, h.parts}, nil
}

type partsUpload struct {
	store    *S3
	key      string
	body     io.ReadSeeker
	sum      Digest
	partSize int64
	parts    []uploadPart
}

// send goes on with the upload that the journal knows, or starts another. After
// a failure the upload stays, for the next attempt.
func (u *partsUpload) send(ctx context.Context) error {
	s := u.store
	journal := s.openJournal(u.key, u.sum)
	defer journal.close()
	id := journal.resume(u.partSize)
	there, err := s.partsThere(ctx, u.key, id)
	if err != nil {
		return err
	}
	if there == nil {
		if id, err = s.startUpload(ctx, u.key); err != nil {
			return err
		}
		journal.save(id, u.partSize)
	}
	complete := make([]minio.CompletePart, 0, len(u.parts))
	for _, part := range u.parts {
		done := minio.CompletePart{PartNumber: part.number, ETag: part.md5, ChecksumSHA256: checksumValue(part.sum)}
		if has, ok := there[part.number]; !ok || has.Size != part.size || strings.Trim(has.ETag, `"`) != part.md5 {
			if done, err = s.sendPart(ctx, u.key, id, u.body, part); err != nil {
				return err
			}
		}
		complete = append(complete, done)
	}
	err = s.completeUpload(ctx, u.key, id, complete)
	if err == nil || refused(err) {
		journal.remove()
	}
	if err != nil && (refused(err) || journal == nil) { // nobody will go on with it
		s.client.AbortMultipartUpload(context.WithoutCancel(ctx), s.config.Bucket, s.object(u.key), id)
	}
	return err
}

// startUpload says that each part will have a SHA-256, so that the server
// checks them.
func (s *S3) startUpload(ctx context.Context, key string) (id string, err error) {
	opts := minio.PutObjectOptions{UserMetadata: map[string]string{"x-amz-checksum-algorithm": "SHA256"}}
	return s.client.NewMultipartUpload(ctx, s.config.Bucket, s.object(key), opts)
}

// partsThere returns the parts that an upload has, nil if there is no upload.
func (s *S3) partsThere(ctx context.Context, key, id string) (map[int]minio.ObjectPart, error) {
	if id == "" {
		return nil, nil
	}
	parts := make(map[int]minio.ObjectPart)
	for marker := 0; ; {
		list, err := s.client.ListObjectParts(ctx, s.config.Bucket, s.object(key), id, marker, 1000)
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

func (s *S3) sendPart(ctx context.Context, key, id string, body io.ReadSeeker, part uploadPart) (minio.CompletePart, error) {
	var sent minio.ObjectPart
	_, err := retry(ctx, body, part.offset, part.size, func(r io.Reader) (err error) {
		sent, err = s.client.PutObjectPart(ctx, s.config.Bucket, s.object(key), id, part.number, r, part.size,
			minio.PutObjectPartOptions{
				CustomHeader:         http.Header{http.CanonicalHeaderKey(checksumHeader): {checksumValue(part.sum)}},
				DisableContentSha256: true, // as in checked
			})
		return err
	})
	return minio.CompletePart{PartNumber: part.number, ETag: sent.ETag, ChecksumSHA256: checksumValue(part.sum)}, err
}

// completeUpload makes the object out of its parts, unless there is one. The
// client repeats it when an answer is lost, and then learns that there is no
// such upload, which counts as a refusal.
func (s *S3) completeUpload(ctx context.Context, key, id string, parts []minio.CompletePart) error {
	var opts minio.PutObjectOptions
	ifVersion("")(&opts)
	_, err := s.client.CompleteMultipartUpload(ctx, s.config.Bucket, s.object(key), id, parts, opts)
	return err
}
