package s3

import (
	"cmp"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/cidbench/cidbench/registry/store"
	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

// A Config says where an S3 store is. Credentials are none of it: they come from the first of the AWS environment
// variables, those of MinIO, the files of the AWS command line, those of mc, and the role of the machine.
type Config struct {
	Bucket string
	// Prefix is the folder of the store in the bucket; empty for all of it.
	Prefix string
	// Endpoint is the http or https URL of the server; empty for Amazon's.
	Endpoint string
	// Region is, if empty, that of AWS_REGION or AWS_DEFAULT_REGION, else us-east-1.
	Region string
	// CA is a file with PEM certificates of authorities to trust besides those of the system.
	CA string
	// Journal is a folder that remembers interrupted uploads; if empty, one in the user's cache.
	Journal string
	// Transport, if not nil, wraps the transport of HTTP requests.
	Transport func(http.RoundTripper) http.RoundTripper
}

const defaultRegion = "us-east-1"

// ParseURL reads s3://bucket/prefix?endpoint=http://host:port&region=r&ca=file, of which all but the bucket may be
// left out. No error repeats what might be a secret.
func ParseURL(rawURL string) (Config, error) {
	u, err := url.Parse(rawURL)
	if err != nil {
		return Config{}, fmt.Errorf("registry: %s is not a URL", store.Redacted(rawURL))
	}
	if u.User != nil {
		return Config{}, fmt.Errorf("registry: %s holds credentials: put them into the environment or a file", store.Redacted(rawURL))
	}
	if u.Scheme != "s3" || u.Fragment != "" {
		return Config{}, fmt.Errorf("registry: %s is not of the form s3://bucket/prefix?endpoint=URL", store.Redacted(rawURL))
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return Config{}, fmt.Errorf("registry: the query of %s is malformed", store.Redacted(rawURL))
	}
	config := Config{Bucket: u.Host, Prefix: strings.Trim(u.Path, "/")}
	for name, values := range query {
		field := map[string]*string{"endpoint": &config.Endpoint, "region": &config.Region, "ca": &config.CA}[name]
		if field == nil || len(values) != 1 {
			return Config{}, fmt.Errorf("registry: %s: want no other parameters than endpoint, region and ca, each at most once", store.Redacted(rawURL))
		}
		*field = values[0]
	}
	return config.complete()
}

// complete checks the configuration, and fills in the region and the journal.
func (c Config) complete() (Config, error) {
	if c.Bucket == "" {
		return Config{}, errors.New("registry: the URL of an S3 store names no bucket: want s3://bucket/prefix")
	}
	if err := checkPrefix(c.Prefix); err != nil {
		return Config{}, err
	}
	if c.Endpoint != "" {
		u, err := url.Parse(c.Endpoint)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil ||
			strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
			return Config{}, errors.New("registry: the endpoint of an S3 store has to be http://host:port or https://host:port, nothing more")
		}
		c.Endpoint = u.Scheme + "://" + u.Host
	}
	if c.Journal == "" {
		if cache, err := os.UserCacheDir(); err == nil {
			c.Journal = filepath.Join(cache, "cidbench", "uploads")
		}
	}
	c.Region = cmp.Or(c.Region, os.Getenv("AWS_REGION"), os.Getenv("AWS_DEFAULT_REGION"), defaultRegion)
	return c, nil
}

const maxPrefix = 1024 - store.MaxKey - 100 // what S3 allows, less keys and names of its own

func checkPrefix(prefix string) error {
	if prefix == "" {
		return nil
	}
	bad := len(prefix) > maxPrefix || !utf8.ValidString(prefix) || strings.ContainsFunc(prefix, unicode.IsControl) ||
		strings.Contains(prefix, "\\")
	for segment := range strings.SplitSeq(prefix, "/") {
		bad = bad || segment == "" || strings.HasPrefix(segment, ".")
	}
	if bad {
		return fmt.Errorf("registry: %.100q is no prefix for an S3 store: want at most %d bytes, no segment that is empty or starts with a dot, no backslash",
			prefix, maxPrefix)
	}
	return nil
}

// String is the URL for ParseURL.
func (c Config) String() string {
	query := make(url.Values)
	for name, value := range map[string]string{"endpoint": c.Endpoint, "region": c.Region, "ca": c.CA} {
		if value != "" {
			query.Set(name, value)
		}
	}
	u := url.URL{Scheme: "s3", Host: c.Bucket, Path: "/" + c.Prefix, RawQuery: query.Encode()}
	return u.String()
}

func (c Config) connect() (*minio.Core, *transport, error) {
	host, secure, lookup := "s3.amazonaws.com", true, minio.BucketLookupAuto
	if c.Endpoint != "" {
		scheme, rest, _ := strings.Cut(c.Endpoint, "://")
		host, secure, lookup = rest, scheme == "https", minio.BucketLookupPath
	}
	next, err := c.transport()
	if err != nil {
		return nil, nil, err
	}
	sender := &transport{next: next}
	client, err := minio.NewCore(host, &minio.Options{
		Creds:           c.credentials(),
		Secure:          secure,
		Transport:       sender,
		Region:          c.Region,
		BucketLookup:    lookup,
		TrailingHeaders: true, // or minio-go refuses checksums
		MaxRetries:      1,    // what is repeated is our business
	})
	if err != nil {
		return nil, nil, fmt.Errorf("registry: %s: %w", c, err)
	}
	return client, sender, nil
}

func (c Config) transport() (http.RoundTripper, error) {
	transport, err := minio.DefaultTransport(true)
	if err != nil {
		return nil, fmt.Errorf("registry: %s: %w", c, err)
	}
	transport.DialContext = (&net.Dialer{Timeout: 5 * time.Second}).DialContext
	transport.MaxIdleConnsPerHost = 64
	if c.CA != "" {
		pem, err := os.ReadFile(c.CA)
		if err != nil {
			return nil, fmt.Errorf("registry: certificate authority: %w", err)
		}
		pool, err := x509.SystemCertPool()
		if err != nil {
			pool = x509.NewCertPool()
		}
		if !pool.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("registry: certificate authority: no PEM certificate in %s", c.CA)
		}
		transport.TLSClientConfig.RootCAs = pool
	}
	if c.Transport != nil {
		return c.Transport(transport), nil
	}
	return transport, nil
}

func (c Config) credentials() *credentials.Credentials {
	// A machine outside of a cloud has no role to ask for; do not wait for it.
	metadata := &http.Client{
		Timeout:   5 * time.Second,
		Transport: &http.Transport{DialContext: (&net.Dialer{Timeout: time.Second}).DialContext},
	}
	return credentials.NewChainCredentials([]credentials.Provider{
		&credentials.EnvAWS{},
		&credentials.EnvMinio{},
		&credentials.FileAWSCredentials{},
		&credentials.FileMinioClient{},
		&credentials.IAM{Client: metadata},
	})
}
