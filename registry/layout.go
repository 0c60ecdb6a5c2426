package registry

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/cidbench/cidbench/registry/store"
)

const (
	configKey   = "cidbench-registry.json"
	indexKey    = "index/runs.json"
	gcLockKey   = "locks/gc.json"
	blobPrefix  = "blobs/sha256/"
	trashPrefix = "trash/sha256/"
	runPrefix   = "runs/"
)

const (
	runIDLen       = 32 // 128 bits: enough to never see two keys with one id
	keyIDLen       = 32
	seqLen         = 8
	eventDigestLen = 12
)

func blobKey(d Digest) string  { return blobPrefix + d.Hex()[:2] + "/" + d.Hex() }
func trashKey(d Digest) string { return trashPrefix + d.Hex()[:2] + "/" + d.Hex() }

func manifestKey(run string) string { return runPrefix + run + "/manifest.json" }
func leaseKey(run string) string    { return runPrefix + run + "/lease.json" }

func signatureKey(run, keyID string) string {
	return runPrefix + run + "/signatures/" + keyID + ".json"
}

func eventPrefix(run string) string { return runPrefix + run + "/events/" }

// eventKey has both the number and the digest of the event, so that an append
// is a new key and its name verifies its content.
func eventKey(run string, seq int, text []byte) string {
	return fmt.Sprintf("%s%0*d-%s.json", eventPrefix(run), seqLen, seq, DigestOf(text).Hex()[:eventDigestLen])
}

func validRunID(id string) bool { return len(id) == runIDLen && isHex(id) }

func checkRunID(id string) error {
	if !validRunID(id) {
		return fmt.Errorf("registry: %.100q is not a run id: want %d lower-case hexadecimal digits", id, runIDLen)
	}
	return nil
}

func isHex(s string) bool { return strings.Trim(s, "0123456789abcdef") == "" }

// digestOfHex is the digest whose Hex is hex.
func digestOfHex(hex string) (Digest, error) { return store.ParseDigest("sha256:" + hex) }

// A part is what a key is in the layout of a registry.
type part struct {
	kind   partKind
	run    string // of all parts of runs
	event  eventName
	blob   Digest // of blobPart and misplacedPart
	signer string // of signaturePart: the id of the key
}

type partKind int

const (
	foreignPart partKind = iota // not of the layout
	configPart
	blobPart
	misplacedPart // a blob in the folder of another
	manifestPart
	eventPart
	signaturePart
	leasePart // content is judged by who wants the lease
	freePart  // content is not the registry's to judge
)

// parseKey inverts the functions that make keys.
func parseKey(key string) part {
	if !store.ValidKey(key) {
		return part{}
	}
	if key == configKey {
		return part{kind: configPart}
	}
	top, rest, _ := strings.Cut(key, "/")
	switch top {
	case "blobs":
		return parseBlobKey(key)
	case "runs":
		run, name, _ := strings.Cut(rest, "/")
		if validRunID(run) {
			return parseRunKey(run, name)
		}
	case "index", "locks", "trash":
		if rest != "" {
			return part{kind: freePart}
		}
	}
	return part{}
}

func parseBlobKey(key string) part {
	folder, hex, _ := strings.Cut(strings.TrimPrefix(key, blobPrefix), "/")
	digest, err := digestOfHex(hex)
	switch {
	case err != nil || len(folder) != 2 || !isHex(folder):
		return part{}
	case key != blobKey(digest):
		return part{kind: misplacedPart, blob: digest}
	}
	return part{kind: blobPart, blob: digest}
}

func parseRunKey(run, name string) part {
	switch name {
	case "manifest.json":
		return part{kind: manifestPart, run: run}
	case "lease.json":
		return part{kind: leasePart, run: run}
	}
	if id, ok := strings.CutPrefix(name, "signatures/"); ok {
		if id, ok := strings.CutSuffix(id, ".json"); ok && len(id) == keyIDLen && isHex(id) {
			return part{kind: signaturePart, run: run, signer: id}
		}
	}
	if name, ok := strings.CutPrefix(name, "events/"); ok {
		if event, ok := parseEventName(name); ok {
			return part{kind: eventPart, run: run, event: event}
		}
	}
	return part{}
}

// eventName is the last segment of an event's key, 00000042-0123456789ab.json:
// the number orders the events, the digest verifies them.
type eventName struct {
	seq    int
	digest string // the first 12 hexadecimal digits
}

func parseEventName(name string) (eventName, bool) {
	stem, isJSON := strings.CutSuffix(name, ".json")
	digits, digest, _ := strings.Cut(stem, "-")
	seq, err := strconv.Atoi(digits)
	ok := isJSON && err == nil && len(digits) == seqLen && seq > 0 && len(digest) == eventDigestLen && isHex(digest)
	return eventName{seq, digest}, ok
}
