package bench

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// powercap is where Linux shows the processors' energy counters (RAPL), to those it lets read them.
const powercap = "/sys/class/powercap"

// meter measures energy from its start on. A nil meter, and one without counters, measures nothing.
type meter struct {
	zones []zone
	share float64 // of the machine's energy that is put down to one run
}

// zone is one processor package: its counter wraps at max.
type zone struct {
	file       string
	start, max float64 // microjoules
}

// startMeter reads the counters of all packages below root. The counters are the machine's, so with
// several cells at a time each is put down an equal share.
func startMeter(root string, parallel int) *meter {
	m := &meter{share: 1 / float64(max(1, parallel))}
	dirs, _ := filepath.Glob(filepath.Join(root, "intel-rapl:[0-9]*")) // the pattern is well formed
	for _, dir := range dirs {
		if strings.Count(filepath.Base(dir), ":") != 1 {
			continue // a part of a package, which counts already
		}
		z := zone{file: filepath.Join(dir, "energy_uj")}
		var ok, wraps bool
		z.start, ok = number(z.file)
		z.max, wraps = number(filepath.Join(dir, "max_energy_range_uj"))
		if ok && wraps {
			m.zones = append(m.zones, z)
		}
	}
	return m
}

// joules since the start; 0 if nothing can be known. A counter that wraps more than once in a run, which
// takes most of an hour at full power, loses a turn.
func (m *meter) joules() float64 {
	if m == nil {
		return 0
	}
	sum := 0.0
	for _, z := range m.zones {
		now, ok := number(z.file)
		if !ok {
			return 0
		}
		if now < z.start {
			now += z.max
		}
		sum += (now - z.start) / 1e6
	}
	return sum * m.share
}

func number(file string) (float64, bool) {
	text, err := os.ReadFile(file)
	if err != nil {
		return 0, false
	}
	value, err := strconv.ParseFloat(strings.TrimSpace(string(text)), 64)
	return value, err == nil
}
