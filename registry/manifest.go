package registry

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// ManifestSchema is the media type and version of a Manifest.
const ManifestSchema = "application/vnd.cidbench.run.v1+json"

// A Status says how a run ended.
type Status string

const (
	Complete Status = "complete" // there is a result
	Failed   Status = "failed"   // there is a reason
)

// A Manifest is the record of one finished run. It is stored as canonical JSON and is never changed.
//
// Schema, Run, ResultDigest and Seal follow from the other fields: Commit fills
// them in where they are empty and refuses them where they are wrong.
type Manifest struct {
	Schema string `json:"schema"` // ManifestSchema
	Run    string `json:"run"`    // RunID(Key)
	Status Status `json:"status"`
	// Reason says why the run failed; it is empty if the run is complete.
	Reason string `json:"reason,omitempty"`
	// Key is a JSON object with everything that determines the result:
	// configuration, seed, data set fingerprint, version of the algorithm.
	Key json.RawMessage `json:"key"`
	// Result is a JSON object with the final metrics. A failed run may leave it out.
	Result json.RawMessage `json:"result,omitempty"`
	// Artifacts are blobs that Key determines, by name. What differs between two equal runs, such as a log, does
	// not belong here: it would make their result digests differ.
	Artifacts map[string]Descriptor `json:"artifacts,omitempty"`
	// ResultDigest covers Run, Status, Reason, Key, Result and Artifacts, thus
	// neither time nor place: equal runs have equal result digests.
	ResultDigest Digest     `json:"resultDigest"`
	Provenance   Provenance `json:"provenance"`
	// Seal covers all other fields, so that a byte flipped anywhere is noticed.
	Seal Digest `json:"seal,omitempty"`
}

// Provenance says where, when and with what a run was made.
type Provenance struct {
	Tool        string    `json:"tool"`             // name and version
	Commit      string    `json:"commit,omitempty"` // of the source
	Dirty       bool      `json:"dirty"`            // the source differed from Commit
	Code        string    `json:"code,omitempty"`   // digest of the source that determines the numbers
	GoVersion   string    `json:"goVersion"`
	OS          string    `json:"os"`
	Arch        string    `json:"arch"`
	CPU         string    `json:"cpu,omitempty"` // model name, and the vector instructions used of it
	Cores       int       `json:"cores"`
	Backend     string    `json:"backend"` // what computed: name and version
	Command     []string  `json:"command,omitempty"`
	Started     time.Time `json:"started"`
	Finished    time.Time `json:"finished"`
	WallSeconds float64   `json:"wallSeconds"` // summed over resumptions
	// Joules is the processors' energy put down to the run; 0 where it cannot be known.
	Joules  float64           `json:"joules,omitempty"`
	Resumed int               `json:"resumed"` // how often the run was resumed
	Modules map[string]string `json:"modules,omitempty"`
}

// RunID is the id of the run that key determines: the first 32 hexadecimal digits of the SHA-256 of key as
// canonical JSON, so the order of members and white space do not matter. Numbers are compared as spelled: 1 is not
// 1.0. An error means that key is not a JSON object.
func RunID(key json.RawMessage) (string, error) {
	if !isObject(key) {
		return "", errors.New("registry: the key of a run has to be a JSON object")
	}
	text, err := canonical(key)
	if err != nil {
		return "", fmt.Errorf("registry: the key of a run: %w", err)
	}
	return DigestOf(text).Hex()[:runIDLen], nil
}

func isObject(text json.RawMessage) bool {
	return bytes.HasPrefix(bytes.TrimLeft(text, " \t\r\n"), []byte("{"))
}

// DecodeManifest reads a stored manifest. It accepts nothing but the exact
// bytes that Commit writes; every error is ErrCorrupt.
func DecodeManifest(data []byte) (Manifest, error) {
	m, err := decodeManifest(data)
	if err != nil {
		return Manifest{}, fmt.Errorf("%w: manifest: %w", ErrCorrupt, err)
	}
	return m, nil
}

func decodeManifest(data []byte) (Manifest, error) {
	// The schema comes first: it is the sentence to say to the reader of a
	// newer registry, whose unknown fields are only a consequence.
	var head struct {
		Schema string `json:"schema"`
	}
	if err := json.Unmarshal(data, &head); err != nil {
		return Manifest{}, err
	}
	if head.Schema != ManifestSchema {
		return Manifest{}, fmt.Errorf("schema is %.100q, and this program reads %q", head.Schema, ManifestSchema)
	}
	var m Manifest
	if err := decodeStrict(data, &m); err != nil {
		return Manifest{}, err
	}
	sealed, text, err := m.seal()
	if err != nil {
		return Manifest{}, err
	}
	if err := m.agrees(sealed); err != nil {
		return Manifest{}, err
	}
	if !bytes.Equal(text, data) {
		return Manifest{}, errors.New("not canonical JSON")
	}
	return sealed, nil
}

// seal checks m, fills in the fields that follow from others, and returns the result with its stored form.
func (m Manifest) seal() (Manifest, []byte, error) {
	if err := m.validate(); err != nil {
		return Manifest{}, nil, err
	}
	id, err := RunID(m.Key)
	if err != nil {
		return Manifest{}, nil, err
	}
	m.Schema, m.Run, m.Seal = ManifestSchema, id, ""
	m.Provenance.Started = m.Provenance.Started.UTC()
	m.Provenance.Finished = m.Provenance.Finished.UTC()

	result, err := canonical(struct {
		Run       string                `json:"run"`
		Status    Status                `json:"status"`
		Reason    string                `json:"reason,omitempty"`
		Key       json.RawMessage       `json:"key"`
		Result    json.RawMessage       `json:"result,omitempty"`
		Artifacts map[string]Descriptor `json:"artifacts,omitempty"`
	}{m.Run, m.Status, m.Reason, m.Key, m.Result, m.Artifacts})
	if err != nil {
		return Manifest{}, nil, err
	}
	m.ResultDigest = DigestOf(result)

	unsealed, err := canonical(m)
	if err != nil {
		return Manifest{}, nil, err
	}
	m.Seal = DigestOf(unsealed)
	text, err := encode(m)
	return m, text, err
}

func (m Manifest) validate() error {
	switch m.Status {
	case Complete:
		if m.Reason != "" || len(m.Result) == 0 {
			return errors.New("a complete run has a result and no reason")
		}
	case Failed:
		if m.Reason == "" {
			return errors.New("a failed run has a reason")
		}
	default:
		return fmt.Errorf("status %.100q is neither %s nor %s", m.Status, Complete, Failed)
	}
	if len(m.Result) > 0 && !isObject(m.Result) {
		return errors.New("the result of a run has to be a JSON object")
	}
	for name, artifact := range m.Artifacts {
		if err := artifact.validate(); err != nil {
			return fmt.Errorf("artifact %q: %w", name, err)
		}
	}
	return nil
}

// agrees fails if a derived field of m is there but not as in sealed.
func (m Manifest) agrees(sealed Manifest) error {
	for _, f := range []struct{ name, got, want string }{
		{"schema", m.Schema, sealed.Schema},
		{"run id", m.Run, sealed.Run},
		{"result digest", string(m.ResultDigest), string(sealed.ResultDigest)},
		{"seal", string(m.Seal), string(sealed.Seal)},
	} {
		if f.got != "" && f.got != f.want {
			return fmt.Errorf("%s is %.100q, but the content makes it %q", f.name, f.got, f.want)
		}
	}
	return nil
}
