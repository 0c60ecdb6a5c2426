package s3

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/url"
	"testing"
)

// FuzzTrust: whatever a server answers to a listing, it is taken as it came or refused as that of no S3 server.
func FuzzTrust(f *testing.F) {
	f.Add("list-type=2", []byte(`<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>a</NextContinuationToken><Contents><Key>k</Key></Contents></ListBucketResult>`))
	f.Add("list-type=2&continuation-token=a", []byte(`<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>a</NextContinuationToken></ListBucketResult>`))
	f.Add("uploadId=1", []byte(`<ListPartsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Part><PartNumber>1</PartNumber></Part></ListPartsResult>`))
	f.Add("list-type=2", []byte(`<!DOCTYPE a [<!ENTITY b "b"><!ENTITY c "&b;&b;">]><ListBucketResult>&c;</ListBucketResult>`))
	f.Fuzz(func(t *testing.T, query string, body []byte) {
		r := &http.Request{Method: http.MethodGet, URL: &url.URL{Path: "/b", RawQuery: query}}
		response := reply(http.StatusOK, bytes.NewReader(body), "Content-Type", "application/xml", "ETag", `"e"`)
		defer func() { _ = response.Body.Close() }()
		err := trust(r, response)
		if err != nil {
			if !errors.Is(err, errNotS3) && !errors.Is(err, errEndless) {
				t.Errorf("%q: %v", body, err)
			}
			return
		}
		if got, err := io.ReadAll(response.Body); err != nil || !bytes.Equal(got, body) {
			t.Errorf("%q is read as %q, %v", body, got, err)
		}
	})
}
