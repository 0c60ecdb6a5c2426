package registry

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Summary is what the index remembers of a finished run.
type Summary struct {
	Run          string
	Status       Status
	ResultDigest Digest
	Manifest     Digest    // of the stored form
	Started      time.Time // to the second, as the rest of the provenance is the word of who made it
	Finished     time.Time
	WallSeconds  float64
	Bytes        int64 // of the artifacts
	Commit       string
	Family       *Family
	varies       []string // the members of the key that its family lacks, in order
	// Err, if not nil, is the ErrCorrupt of reading the manifest, in place of all but Run.
	Err error
}

// A Family is the key of some runs without the members that differ between runs of a kind: seed, run, state, step. Runs
// of one have the same pointer.
type Family struct {
	text  string   // with null in their place
	names []string // of them, in order
	whole bool     // there are no other nulls
}

func newFamily(text string) *Family {
	f := &Family{text: text}
	for _, m := range left.FindAllStringSubmatch(text, -1) {
		f.names = append(f.names, m[1])
	}
	f.whole = len(f.names) == strings.Count(text, ":null")
	return f
}

var left = regexp.MustCompile(`"([^"]*)":null`)

// Member is the JSON of a member of the key that is not the family's; ok is false unless there is exactly one by that
// name, however deep.
func (s Summary) Member(name string) (value string, ok bool) {
	for i, n := range s.Family.names {
		if n == name && i < len(s.varies) {
			if ok {
				return "", false
			}
			value, ok = s.varies[i], true
		}
	}
	return value, ok
}

// varying are those members.
var varying = regexp.MustCompile(`"(?:seed|run|state|step)":("[^"\\]*"|[0-9]+)`)

// split takes the varying members out of a canonical key.
func split(key []byte) (family string, varies []string) {
	at := 0
	for _, m := range varying.FindAllSubmatchIndex(key, -1) {
		family += string(key[at:m[2]]) + "null"
		varies, at = append(varies, string(key[m[2]:m[3]])), m[3]
	}
	return family + string(key[at:]), varies
}

// Key is the run's key.
func (s Summary) Key() json.RawMessage {
	var key []byte
	rest := s.Family.text
	for _, value := range s.varies {
		before, after, _ := strings.Cut(rest, ":null")
		key = append(append(append(key, before...), ':'), value...)
		rest = after
	}
	return append(key, rest...)
}

func summaryOf(m Manifest, digest Digest, families map[string]*Family) (*Summary, error) {
	key, err := canonical(m.Key)
	if err != nil {
		return nil, err
	}
	text, varies := split(key)
	if len(left.FindAllString(text, -1)) != len(varies) || strings.Count(text, ":null") != len(varies) { // it has nulls of its own
		text, varies = string(key), nil
	}
	family := families[text]
	if family == nil {
		family = newFamily(text)
		families[text] = family
	}
	s := &Summary{
		Run: m.Run, Status: m.Status, ResultDigest: m.ResultDigest, Manifest: digest, Family: family, varies: varies,
		Started: m.Provenance.Started.Truncate(time.Second), Finished: m.Provenance.Finished.Truncate(time.Second),
		WallSeconds: m.Provenance.WallSeconds, Commit: m.Provenance.Commit,
	}
	for _, d := range m.Artifacts {
		s.Bytes += d.Size
	}
	return s, nil
}

// The second line of the index.
type indexHead struct {
	Format   string   `json:"format"`
	Families []string `json:"families"`
	Commits  []string `json:"commits"`
	families []*Family
}

const indexFields = 10 // of a line, before what varies

// decodeIndex reads an index, whose runs are in order. Every error is ErrCorrupt.
func decodeIndex(text []byte, families map[string]*Family) ([]*Summary, error) {
	sum, rest, _ := bytes.Cut(text, []byte("\n"))
	if Digest(sum) != DigestOf(rest) {
		return nil, corrupt("%s hashes to another digest than it says", indexKey)
	}
	first, lines, _ := strings.Cut(string(rest), "\n")
	var head indexHead
	if err := json.Unmarshal([]byte(first), &head); err != nil || head.Format != indexFormat {
		return nil, corrupt("%s is not of the format %s", indexKey, indexFormat)
	}
	for _, text := range head.Families {
		families[text] = newFamily(text)
		head.families = append(head.families, families[text])
	}
	known := make([]*Summary, 0, strings.Count(lines, "\n")+1)
	var fields []string
	for line := range strings.Lines(lines) {
		fields = fields[:0]
		for field := range strings.SplitSeq(strings.TrimSuffix(line, "\n"), "\t") {
			fields = append(fields, field)
		}
		s, err := decodeSummary(fields, head)
		if err == nil && len(known) > 0 && known[len(known)-1].Run >= s.Run {
			err = errors.New("it is not in order")
		}
		if err != nil {
			return nil, corrupt("%s: line %.80q: %w", indexKey, line, err)
		}
		known = append(known, s)
	}
	return known, nil
}

func decodeSummary(f []string, head indexHead) (*Summary, error) {
	if len(f) < indexFields {
		return nil, fmt.Errorf("it has %d fields", len(f))
	}
	var errs error
	number := func(text string) int64 {
		n, err := strconv.ParseInt(text, 10, 64)
		errs = errors.Join(errs, err)
		return n
	}
	s := &Summary{
		Run: f[0], Status: Status(f[1]), ResultDigest: Digest(f[2]), Manifest: Digest(f[3]), varies: slices.Clone(f[indexFields:]),
		Started: time.Unix(number(f[4]), 0).UTC(), Finished: time.Unix(number(f[5]), 0).UTC(), Bytes: number(f[7]),
	}
	wall, err := strconv.ParseFloat(f[6], 64)
	s.WallSeconds = wall
	family, commit := number(f[8]), number(f[9])
	if errs = errors.Join(errs, err); errs != nil {
		return nil, errs
	}
	if family < 0 || family >= int64(len(head.Families)) || commit < 0 || commit >= int64(len(head.Commits)) || checkRunID(s.Run) != nil {
		return nil, errors.New("it refers to nothing")
	}
	s.Family, s.Commit = head.families[family], head.Commits[commit]
	if len(s.varies) > 0 && (len(s.varies) != len(s.Family.names) || !s.Family.whole) {
		return nil, errors.New("it does not fit its family")
	}
	return s, nil
}

// encodeIndex leaves out what is damaged.
func encodeIndex(runs []*Summary) ([]byte, error) {
	head, families, commits := indexHead{Format: indexFormat}, map[*Family]int{}, map[string]int{}
	var lines bytes.Buffer
	for _, s := range runs {
		if s.Err != nil {
			continue
		}
		if _, ok := families[s.Family]; !ok {
			families[s.Family] = len(head.Families)
			head.Families = append(head.Families, s.Family.text)
		}
		if _, ok := commits[s.Commit]; !ok {
			commits[s.Commit] = len(head.Commits)
			head.Commits = append(head.Commits, s.Commit)
		}
		fmt.Fprintf(&lines, "%s\t%s\t%s\t%s\t%d\t%d\t%g\t%d\t%d\t%d", s.Run, s.Status, s.ResultDigest, s.Manifest,
			s.Started.Unix(), s.Finished.Unix(), s.WallSeconds, s.Bytes, families[s.Family], commits[s.Commit])
		for _, value := range s.varies {
			lines.WriteString("\t" + value)
		}
		lines.WriteByte('\n')
	}
	first, err := json.Marshal(head)
	if err != nil {
		return nil, err
	}
	text := append(append(first, '\n'), lines.Bytes()...)
	return append([]byte(DigestOf(text)+"\n"), text...), nil
}
