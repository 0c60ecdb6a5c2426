package registry

import (
	"strconv"
	"strings"
)

// A part is what a key is in the layout of a registry.
type part struct {
	kind   partKind
	run    string // of all parts of runs
	event  eventName
	blob   Digest // of blobPart and misplacedPart
	ref    string // of refPart
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
	refPart
	signaturePart
	leasePart // content is judged by who wants the lease
	freePart  // content is not the registry's to judge
)

// parseKey inverts the functions that make keys.
func parseKey(key string) part {
	if !ValidKey(key) {
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
	case "refs":
		if name, ok := strings.CutSuffix(rest, ".json"); ok {
			return part{kind: refPart, ref: name}
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
	digest, err := ParseDigest(digestPrefix + hex)
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

const (
	seqLen         = 8
	eventDigestLen = 12
)

func parseEventName(name string) (eventName, bool) {
	stem, isJSON := strings.CutSuffix(name, ".json")
	digits, digest, _ := strings.Cut(stem, "-")
	seq, err := strconv.Atoi(digits)
	ok := isJSON && err == nil && len(digits) == seqLen && seq > 0 && len(digest) == eventDigestLen && isHex(digest)
	return eventName{seq, digest}, ok
}
