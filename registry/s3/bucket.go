package s3

import "github.com/minio/minio-go/v7"

// A bucket is the part of one that a store has. Its methods are requests; their
// errors are those of minio-go.
type bucket struct {
	client *minio.Core
	name   string
	root   string // what the names of all objects of the store start with
}

// object is the name of a key in the bucket.
func (b bucket) object(key string) string { return b.root + key }
