package registry

import (
	"sync"
	"time"

	"github.com/cidbench/cidbench/registry/store"
)

// sightings remember objects that others change, by key.
type sightings struct {
	mu   sync.Mutex
	seen map[string]sighting
}

// A sighting is the version of an object, and since when it has not changed.
type sighting struct {
	version store.Version
	since   time.Time
}

// unchanged is how long an object has been seen at the same version.
func (s *sightings) unchanged(key string, version store.Version) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if last, ok := s.seen[key]; ok && last.version == version {
		return time.Since(last.since)
	}
	if s.seen == nil {
		s.seen = make(map[string]sighting)
	}
	s.seen[key] = sighting{version, time.Now()}
	return 0
}

func (s *sightings) forget(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.seen, key)
}
