package registry

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cidbench/cidbench/registry/store"
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
	pack         *pack    // that has the manifest; nil: none has
	// Err, if not nil, is the ErrCorrupt of reading the manifest, in place of all but Run.
	Err error
}

// A Family is the key of some runs without the members that differ between runs of a kind: seed, run, state, step. Runs
// of one have the same pointer. Its text stays in the file of the index, since there may be very many families.
type Family struct {
	source io.ReaderAt // of the index, in which the text is; nil: it is here
	at     int64
	length int
	here   string
	names  []string // of the members left out, in order
	whole  bool     // there are no other nulls
}

// newFamily takes the text with null in the place of what is left out.
func newFamily(text string) *Family {
	f := &Family{here: text}
	before, rest, null := strings.Cut(text, ":null")
	for ; null; before, rest, null = strings.Cut(rest, ":null") {
		quoted, ok := strings.CutSuffix(before, `"`)
		if at := strings.LastIndexByte(quoted, '"'); ok && at >= 0 {
			f.names = append(f.names, strings.Clone(quoted[at+1:]))
		}
	}
	f.whole = len(f.names) == strings.Count(text, ":null")
	return f
}

func (f *Family) text() string {
	if f.source == nil {
		return f.here
	}
	text := make([]byte, f.length)
	if _, err := f.source.ReadAt(text, f.at); err != nil {
		return "" // no key; it was read before, from a file that is this process's alone
	}
	return string(text)
}

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

// KeyWith is the run's key with other JSON as a member, of which there is one by Member.
func (s Summary) KeyWith(name, value string) json.RawMessage {
	s.varies = slices.Clone(s.varies)
	for i := range s.varies {
		if s.Family.names[i] == name {
			s.varies[i] = value
		}
	}
	return s.Key()
}

// Key is the run's key.
func (s Summary) Key() json.RawMessage {
	var key []byte
	rest := s.Family.text()
	for _, value := range s.varies {
		before, after, _ := strings.Cut(rest, ":null")
		key = append(append(append(key, before...), ':'), value...)
		rest = after
	}
	return append(key, rest...)
}

func summaryOf(m Manifest, digest Digest, families map[Digest]*Family) (*Summary, error) {
	key, err := canonical(m.Key)
	if err != nil {
		return nil, err
	}
	text, varies := split(key)
	family := newFamily(text)
	if !family.whole || len(family.names) != len(varies) { // it has nulls of its own
		family, varies = newFamily(string(key)), nil
	}
	sum := DigestOf([]byte(family.here))
	if known := families[sum]; known != nil {
		family = known
	} else {
		families[sum] = family
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

// The second line of the index. After it come the families, a line each, and then the runs.
type indexHead struct {
	Format   string   `json:"format"`
	Families int      `json:"families"`
	Commits  []string `json:"commits"`
	Packs    []*pack  `json:"packs"`
	families []*Family
}

const indexFields = 11 // of a line, before what varies

// indexLines are an index whose digest is what it says, of which one line at a time is read. Nil has no lines.
type indexLines struct {
	text     indexText
	first    int64 // where the first line of a run begins
	head     indexHead
	families map[Digest]*Family // by the digest of the text
}

// An indexText is a file, which is closed when nothing refers to it any more: families do.
type indexText interface {
	io.ReadSeeker
	io.ReaderAt
}

// readIndex verifies an index and reads what stands before its lines. Errors: ErrCorrupt; those of text.
func readIndex(ctx context.Context, text indexText) (*indexLines, error) {
	in := bufio.NewReader(text)
	sum, err := in.ReadSlice('\n') // short, or no digest
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, bufio.ErrBufferFull) {
		return nil, err
	}
	want := Digest(bytes.TrimSuffix(sum, []byte("\n")))
	if got, err := store.DigestFrom(ctx, in); err != nil {
		return nil, err
	} else if got != want {
		return nil, corrupt("%s hashes to another digest than it says", indexKey)
	}
	if _, err := text.Seek(int64(len(want)+1), io.SeekStart); err != nil {
		return nil, err
	}
	in.Reset(text)
	first, err := in.ReadBytes('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	x := &indexLines{text: text, first: int64(len(want) + 1 + len(first)), families: make(map[Digest]*Family)}
	if err := json.Unmarshal(first, &x.head); err != nil || x.head.Format != indexFormat {
		return nil, corrupt("%s is not of the format %s", indexKey, indexFormat)
	}
	for range x.head.Families {
		line, err := in.ReadString('\n')
		if errors.Is(err, io.EOF) {
			return nil, corrupt("%s lacks families", indexKey)
		} else if err != nil {
			return nil, err
		}
		text := strings.TrimSuffix(line, "\n")
		f := newFamily(text)
		f.source, f.at, f.length, f.here = x.text, x.first, len(text), ""
		x.first += int64(len(line))
		x.families[DigestOf([]byte(text))] = f
		x.head.families = append(x.head.families, f)
	}
	for _, p := range x.head.Packs {
		if p == nil || !store.ValidKey(p.key()) {
			return nil, corrupt("%s names a pack that cannot be", indexKey)
		}
	}
	return x, nil
}

// lines yields the lines. An error is yielded last.
func (x *indexLines) lines() iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		if x == nil {
			return
		}
		_, err := x.text.Seek(x.first, io.SeekStart)
		in := bufio.NewReader(x.text)
		for err == nil {
			var line string
			if line, err = in.ReadString('\n'); line != "" && !yield(strings.TrimSuffix(line, "\n"), nil) {
				return
			}
		}
		if !errors.Is(err, io.EOF) {
			yield("", scratch(err))
		}
	}
}

// ids are the raw ids of the runs, in order.
func (x *indexLines) ids() (ids [][runIDLen / 2]byte, err error) {
	for line, err := range x.lines() {
		if err != nil {
			return nil, err
		}
		ids = append(ids, rawID(line[:min(len(line), runIDLen)]))
	}
	return ids, nil
}

// all yields the runs in the order of their ids. An error, ErrCorrupt or that of the text, is yielded last.
func (x *indexLines) all() iter.Seq2[*Summary, error] {
	return func(yield func(*Summary, error) bool) {
		last := ""
		var fields []string
		for line, err := range x.lines() {
			if err != nil {
				yield(nil, err)
				return
			}
			fields = fields[:0]
			for field := range strings.SplitSeq(line, "\t") {
				fields = append(fields, field)
			}
			s, err := decodeSummary(fields, x.head)
			if err == nil && last >= s.Run {
				err = errors.New("it is not in order")
			}
			if err != nil {
				yield(nil, corrupt("%s: line %.80q: %w", indexKey, line, err))
				return
			}
			if last = s.Run; !yield(s, nil) {
				return
			}
		}
	}
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
	family, commit, pack := number(f[8]), number(f[9]), number(f[10])
	if errs = errors.Join(errs, err); errs != nil {
		return nil, errs
	}
	if family < 0 || family >= int64(len(head.families)) || commit < 0 || commit >= int64(len(head.Commits)) ||
		pack < -1 || pack >= int64(len(head.Packs)) || checkRunID(s.Run) != nil {
		return nil, errors.New("it refers to nothing")
	}
	s.Family, s.Commit = head.families[family], head.Commits[commit]
	if pack >= 0 {
		s.pack = head.Packs[pack]
	}
	if len(s.varies) > 0 && (len(s.varies) != len(s.Family.names) || !s.Family.whole) {
		return nil, errors.New("it does not fit its family")
	}
	return s, nil
}

// encodeIndex leaves out what is damaged.
func encodeIndex(runs []*Summary) ([]byte, error) {
	head, families, commits, packs := indexHead{Format: indexFormat}, map[*Family]int{}, map[string]int{}, map[*pack]int{nil: -1}
	var texts, lines bytes.Buffer
	for _, s := range runs {
		if s.Err != nil {
			continue
		}
		if _, ok := families[s.Family]; !ok {
			families[s.Family] = head.Families
			head.Families++
			texts.WriteString(s.Family.text() + "\n")
		}
		if _, ok := commits[s.Commit]; !ok {
			commits[s.Commit] = len(head.Commits)
			head.Commits = append(head.Commits, s.Commit)
		}
		if _, ok := packs[s.pack]; !ok {
			packs[s.pack] = len(head.Packs)
			head.Packs = append(head.Packs, s.pack)
		}
		fmt.Fprintf(&lines, "%s\t%s\t%s\t%s\t%d\t%d\t%g\t%d\t%d\t%d\t%d", s.Run, s.Status, s.ResultDigest, s.Manifest,
			s.Started.Unix(), s.Finished.Unix(), s.WallSeconds, s.Bytes, families[s.Family], commits[s.Commit], packs[s.pack])
		for _, value := range s.varies {
			lines.WriteString("\t" + value)
		}
		lines.WriteByte('\n')
	}
	first, err := json.Marshal(head)
	if err != nil {
		return nil, err
	}
	text := slices.Concat(first, []byte("\n"), texts.Bytes(), lines.Bytes())
	return append([]byte(DigestOf(text)+"\n"), text...), nil
}
