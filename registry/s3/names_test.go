package s3_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/cidbench/cidbench/registry/s3"
	"github.com/cidbench/cidbench/registry/s3/s3test"
	"github.com/cidbench/cidbench/registry/store"
)

// TestNames: folders are listed page by page, those pages too that name no object; a listing that goes round in circles
// ends.
func TestNames(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", s3test.AccessKey)
	t.Setenv("AWS_SECRET_ACCESS_KEY", s3test.SecretKey)
	pages := []string{
		"<CommonPrefixes><Prefix>in/a/</Prefix></CommonPrefixes><CommonPrefixes><Prefix>in/b/</Prefix></CommonPrefixes>",
		"<Contents><Key>in/d</Key></Contents><CommonPrefixes><Prefix>in/c/</Prefix></CommonPrefixes>",
	}
	for _, circles := range []bool{false, true} {
		s := openStore(t, s3.Config{
			Endpoint: "http://s3.test", Bucket: "runs", Region: "eu-1", Journal: t.TempDir(),
			Transport: func(http.RoundTripper) http.RoundTripper {
				return roundTripper(func(r *http.Request) (*http.Response, error) {
					page, _ := strconv.Atoi(r.URL.Query().Get("continuation-token"))
					more := circles || page+1 < len(pages)
					text := fmt.Sprintf("<ListBucketResult><IsTruncated>%v</IsTruncated><NextContinuationToken>%d</NextContinuationToken>%s</ListBucketResult>",
						more, (page+1)%len(pages), pages[page])
					return &http.Response{StatusCode: http.StatusOK, Header: make(http.Header), Body: io.NopCloser(strings.NewReader(text)), Request: r}, nil
				})
			},
		})
		var names []string
		var failure error
		for name, err := range s.Names(t.Context(), "in/") {
			if failure = err; err == nil {
				names = append(names, name)
			}
		}
		if slices.Sort(names); !circles && (failure != nil || !slices.Equal(names, []string{"a", "b", "c", "d"})) {
			t.Errorf("names are %q, %v", names, failure)
		}
		if circles && !errors.Is(failure, store.ErrUnavailable) {
			t.Errorf("in circles: %v after %d names", failure, len(names))
		}
	}
}
