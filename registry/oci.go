package registry

import "regexp"

// The parts of the OCI image specification, version 1.1, that an export uses.
const (
	ociLayoutName   = "oci-layout"
	ociIndexName    = "index.json"
	ociBlobPrefix   = "blobs/sha256/"
	ociVersion      = "1.0.0"
	ociIndexType    = "application/vnd.oci.image.index.v1+json"
	ociManifestType = "application/vnd.oci.image.manifest.v1+json"
	ociEmptyType    = "application/vnd.oci.empty.v1+json"
	ociEmpty        = "{}"
	ociTag          = "org.opencontainers.image.ref.name"
	ociTitle        = "org.opencontainers.image.title"

	// signatureType is a layer with a signature of the run; its title is the id
	// of the key and ".json".
	signatureType = "application/vnd.cidbench.signature.v1+json"
)

type ociLayout struct {
	Version string `json:"imageLayoutVersion"`
}

type ociIndex struct {
	SchemaVersion int             `json:"schemaVersion"`
	MediaType     string          `json:"mediaType,omitempty"`
	Manifests     []ociDescriptor `json:"manifests"`
}

type ociManifest struct {
	SchemaVersion int               `json:"schemaVersion"`
	MediaType     string            `json:"mediaType"`
	ArtifactType  string            `json:"artifactType"`
	Config        ociDescriptor     `json:"config"`
	Layers        []ociDescriptor   `json:"layers"`
	Annotations   map[string]string `json:"annotations,omitempty"`
}

type ociDescriptor struct {
	Descriptor
	ArtifactType string `json:"artifactType,omitempty"`
}

// fileName is what a tool may name a file after when it unpacks a layer.
var fileName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,100}$`)
