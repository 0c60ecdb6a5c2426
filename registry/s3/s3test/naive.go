package s3test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// A Naive is just enough of a server to be probed and to hold a registry, in memory. It is a http.Handler, and a
// http.RoundTripper for those who want no network, as in package synctest. The zero value keeps every promise.
type Naive struct {
	// Lack is the one promise that it breaks: "put", "match" and "complete" are conditions, "checksum" is that of bodies;
	// with "permission" it refuses to put, with "strong tags" its ETags meet no condition, with "parts" it completes no
	// upload, and with "ranges" it sends all of an object to whoever asks for a part.
	Lack string
	// Cut is how many answers to GET break off half-way; over the network alone.
	Cut int

	mu      sync.Mutex
	objects map[string]naiveObject // by path
	part    []byte
}

type naiveObject struct {
	data    []byte
	modTime time.Time
}

func (o naiveObject) etag() string { return fmt.Sprintf(`"%x"`, sha256.Sum256(o.data))[:33] + `"` }

// RoundTrip answers without a network.
func (s *Naive) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body == nil {
		r = r.Clone(r.Context())
		r.Body = http.NoBody
	}
	defer r.Body.Close()
	recorder := httptest.NewRecorder()
	s.ServeHTTP(recorder, r)
	response := recorder.Result()
	response.Request = r
	if r.Method == http.MethodHead {
		response.Body = http.NoBody
	}
	return response, nil
}

func (s *Naive) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		fail(w, http.StatusBadRequest, "IncompleteBody")
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	key, query := r.URL.Path, r.URL.Query()
	there, exists := s.objects[key]
	if (r.Method == http.MethodPut || query.Has("uploadId")) && s.refuses(r, there, exists) {
		fail(w, http.StatusPreconditionFailed, "PreconditionFailed")
		return
	}
	switch {
	case r.Method == http.MethodPost && query.Has("uploads"):
		fmt.Fprint(w, "<InitiateMultipartUploadResult><UploadId>1</UploadId></InitiateMultipartUploadResult>")
	case r.Method == http.MethodPost:
		s.put(key, s.part)
		fmt.Fprint(w, "<CompleteMultipartUploadResult><Bucket>bucket</Bucket></CompleteMultipartUploadResult>")
	case r.Method == http.MethodPut:
		sum := sha256.Sum256(body)
		if s.Lack != "checksum" && r.Header.Get("X-Amz-Checksum-Sha256") != base64.StdEncoding.EncodeToString(sum[:]) {
			fail(w, http.StatusBadRequest, "BadDigest")
			return
		}
		if query.Has("uploadId") {
			s.part = body
		} else {
			s.put(key, body)
		}
		w.Header().Set("ETag", naiveObject{data: body}.etag())
	case r.Method == http.MethodDelete:
		if !query.Has("uploadId") {
			delete(s.objects, key)
		}
		w.WriteHeader(http.StatusNoContent)
	case query.Has("list-type"):
		s.list(w, key, query.Get("prefix"), query.Get("delimiter"))
	case !exists:
		fail(w, http.StatusNotFound, "NoSuchKey")
	default:
		s.get(w, r, there)
	}
}

func fail(w http.ResponseWriter, status int, code string) {
	w.WriteHeader(status)
	fmt.Fprintf(w, "<Error><Code>%s</Code><Message>%s</Message></Error>", code, code)
}

// refuses says whether a condition is not met.
func (s *Naive) refuses(r *http.Request, there naiveObject, exists bool) bool {
	condition := "put"
	if r.Method == http.MethodPost {
		condition = "complete"
	}
	match := r.Header.Get("If-Match")
	if r.Header.Get("If-None-Match") == "*" && exists && s.Lack != condition ||
		match != "" && (!exists || strings.Trim(match, `"`) != strings.Trim(there.etag(), `"`)) && s.Lack != "match" {
		return true
	}
	return s.Lack == "strong tags" && match != "" || s.Lack == "permission" && r.Method == http.MethodPut ||
		s.Lack == "parts" && r.Method == http.MethodPost && r.URL.Query().Has("uploadId")
}

func (s *Naive) put(key string, data []byte) {
	if s.objects == nil {
		s.objects = make(map[string]naiveObject)
	}
	s.objects[key] = naiveObject{data, time.Now()}
}

func (s *Naive) get(w http.ResponseWriter, r *http.Request, there naiveObject) {
	w.Header().Set("ETag", there.etag())
	w.Header().Set("Last-Modified", there.modTime.UTC().Format(http.TimeFormat))
	var from int
	if _, err := fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-", &from); err == nil && s.Lack != "ranges" && from < len(there.data) {
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, len(there.data)-1, len(there.data)))
		w.Header().Set("Content-Length", strconv.Itoa(len(there.data)-from))
		w.WriteHeader(http.StatusPartialContent)
		_, _ = w.Write(there.data[from:])
		return
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(there.data)))
	if r.Method == http.MethodHead {
		return
	}
	if s.Cut > 0 {
		s.Cut--
		_, _ = w.Write(there.data[:len(there.data)/2])
		panic(http.ErrAbortHandler)
	}
	_, _ = w.Write(there.data)
}

// list lists all in one answer.
func (s *Naive) list(w io.Writer, bucket, prefix, delimiter string) {
	var folders []string
	var contents bytes.Buffer
	for _, path := range slices.Sorted(maps.Keys(s.objects)) {
		name, ok := strings.CutPrefix(path, strings.TrimSuffix(bucket, "/")+"/")
		rest, below := strings.CutPrefix(name, prefix)
		if !ok || !below {
			continue
		}
		if folder, _, deeper := strings.Cut(rest, delimiter); delimiter != "" && deeper {
			folders = append(folders, prefix+folder+delimiter)
			continue
		}
		object := s.objects[path]
		fmt.Fprintf(&contents, "<Contents><Key>%s</Key><Size>%d</Size><LastModified>%s</LastModified><ETag>%s</ETag></Contents>",
			escaped(name), len(object.data), object.modTime.UTC().Format(time.RFC3339), escaped(object.etag()))
	}
	fmt.Fprintf(w, "<ListBucketResult><IsTruncated>false</IsTruncated>%s", &contents)
	for _, folder := range slices.Compact(folders) {
		fmt.Fprintf(w, "<CommonPrefixes><Prefix>%s</Prefix></CommonPrefixes>", escaped(folder))
	}
	fmt.Fprint(w, "</ListBucketResult>")
}

func escaped(text string) string {
	var out bytes.Buffer
	_ = xml.EscapeText(&out, []byte(text)) // a buffer takes everything
	return out.String()
}
