package registry

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/cidbench/cidbench/registry/store"
	"github.com/google/uuid"
)

const (
	configKey   = "cidbench-registry.json"
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

func blobKey(d Digest) string { return blobPrefix + d.Hex()[:2] + "/" + d.Hex() }

// trashKey is what all keys of a blob in the trash start with. What is moved there gets a name of its own, so that
// no copy takes the place of another, of which a request that comes late might be the last to hold the blob.
func trashKey(d Digest) string { return trashPrefix + d.Hex()[:2] + "/" + d.Hex() }

func newTrashKey(d Digest) string { return trashKey(d) + "-" + uuid.NewString() }

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

func checkRunID(id string) error {
	if len(id) != runIDLen || strings.Trim(id, "0123456789abcdef") != "" {
		return fmt.Errorf("registry: %.100q is not a run id: want %d lower-case hexadecimal digits", id, runIDLen)
	}
	return nil
}

// digestOfHex is the digest whose Hex is hex.
func digestOfHex(hex string) (Digest, error) { return store.ParseDigest("sha256:" + hex) }

// A part is what a key is in the layout of a registry.
type part struct {
	kind   partKind
	run    string // of all parts of runs
	seq    int    // of eventPart: it orders the events
	blob   Digest // of blobPart, misplacedPart and trashPart
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
	leasePart   // content is judged by who wants the lease
	trashPart   // a blob that a collector has moved away
	runPart     // the folder of a run, where something else is in its place
	derivedPart // the index or a pack: it may be deleted at any time, and is written anew
	freePart    // content is not the registry's to judge
)

var keyPattern = regexp.MustCompile(`^(?:cidbench-registry\.json|blobs/sha256/([0-9a-f]{2})/([0-9a-f]{64})|` +
	`runs/([0-9a-f]{32})(?:/(?:manifest|lease|signatures/([0-9a-f]{32})|events/([0-9]{8})-[0-9a-f]{12})\.json)?|` +
	`trash/sha256/[0-9a-f]{2}/([0-9a-f]{64})(?:-[0-9a-f-]{36})?|(?:index|locks|trash)/.+)$`)

// parseKey inverts the functions that make keys.
func parseKey(key string) part {
	m := keyPattern.FindStringSubmatch(key)
	if m == nil || !store.ValidKey(key) {
		return part{}
	}
	folder, hex, run, signer, seq, trashed := m[1], m[2], m[3], m[4], m[5], m[6]
	switch {
	case trashed != "":
		return part{kind: trashPart, blob: "sha256:" + Digest(trashed)}
	case key == configKey:
		return part{kind: configPart}
	case hex != "" && hex[:2] != folder:
		return part{kind: misplacedPart, blob: "sha256:" + Digest(hex)}
	case hex != "":
		return part{kind: blobPart, blob: "sha256:" + Digest(hex)}
	case signer != "":
		return part{kind: signaturePart, run: run, signer: signer}
	case seq != "":
		if n, err := strconv.Atoi(seq); err == nil && n > 0 {
			return part{kind: eventPart, run: run, seq: n}
		}
		return part{}
	case key == indexKey, strings.HasPrefix(key, packPrefix):
		return part{kind: derivedPart}
	case run == "":
		return part{kind: freePart}
	case key == manifestKey(run):
		return part{kind: manifestPart, run: run}
	case key == runPrefix+run:
		return part{kind: runPart, run: run}
	}
	return part{kind: leasePart, run: run}
}
