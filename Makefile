# Training on the pure-Go backend is several times faster with SIMD; cidbench says so when it is missing.
export GOEXPERIMENT := simd

STORE ?= .cidbench
COMMIT := $(shell git rev-parse HEAD 2>/dev/null)
DIRTY := $(shell test -z "$$(git status --porcelain 2>/dev/null)" || echo true)
BENCH := github.com/cidbench/cidbench/bench
LDFLAGS := -X $(BENCH).Commit=$(COMMIT) -X $(BENCH).Dirty=$(DIRTY)

.PHONY: build reproduce test check fuzz clean

build:
	go build -ldflags '$(LDFLAGS)' -o bin/cidbench ./cmd/cidbench

# Train what is missing of the default tier, then write RESULTS.md and report.html. The outcome of the
# claims, whatever it is, is in them: it is no failure of make.
reproduce: build
	bin/cidbench run --tier default --store $(STORE)
	bin/cidbench report --tier default --store $(STORE) --format md --output RESULTS.md
	bin/cidbench report --tier default --store $(STORE) --format html --output report.html
	bin/cidbench report --tier default --store $(STORE)

test:
	go test ./...

clean:
	rm -rf bin report.html
