# Training on the pure-Go backend is several times faster with SIMD; cidbench says so when it is missing.
export GOEXPERIMENT := simd

STORE ?= .cidbench
COMMIT := $(shell git rev-parse HEAD 2>/dev/null)
DIRTY := $(shell test -z "$$(git status --porcelain 2>/dev/null)" || echo true)
BENCH := github.com/cidbench/cidbench/bench
LDFLAGS := -X $(BENCH).Commit=$(COMMIT) -X $(BENCH).Dirty=$(DIRTY)

.PHONY: build reproduce results test race bench fuzz clean

build:
	go build -ldflags '$(LDFLAGS)' -o bin/cidbench ./cmd/cidbench

# What RESULTS.md rests on: manifests and results, no checkpoints. A test makes RESULTS.md from it again.
EVIDENCE := cmd/cidbench/testdata/results.tar.gz

# Train what is missing of the default tier, then write RESULTS.md with its evidence, and report.html. The
# outcome of the claims, whatever it is, is in them: it is no failure of make.
reproduce: build
	bin/cidbench run --tier default --store $(STORE)
	bin/cidbench report --tier default --store $(STORE) --format md --output RESULTS.md --save-evidence $(EVIDENCE)
	bin/cidbench report --tier default --store $(STORE) --format html --output report.html
	bin/cidbench report --tier default --store $(STORE)

# Write RESULTS.md again from its evidence, as after a change of the report. Nothing is trained.
results: build
	bin/cidbench report --tier default --store $(EVIDENCE) --format md --output RESULTS.md

# Every package, with the S3 store on a server that the tests build and start themselves.
test:
	go test -timeout 20m ./...

# What is concurrent, under the race detector. (Training the end-to-end runs under it would take an hour;
# their parts are here.) GoMLX's SIMD kernels step a pointer past the end of an array, which the checks that
# come with the detector refuse; they stay on for everything else.
race:
	go test -race -gcflags=github.com/gomlx/compute/...=-d=checkptr=0 -short -timeout 30m ./registry/... ./report/judge ./study ./bench ./bench/analysis ./bench/moco ./bench/augment ./bench/negatives ./bench/safetensors ./bench/rng ./experiments

# Where the time of a training step goes, beside the same step in PyTorch where python3 has it.
bench: build
	go test -count=1 -timeout 60m -run TestStepReport ./bench/moco -step-report -v | grep -v -e '^=== ' -e '^--- ' -e '^PASS' -e '^ok '

# Each fuzz target for half a minute.
fuzz:
	go test -run xxx -fuzz FuzzDecode -fuzztime 30s ./bench/safetensors
	go test -run xxx -fuzz FuzzDecodeSeries -fuzztime 30s ./bench
	go test -run xxx -fuzz FuzzDecodeCounts -fuzztime 30s ./bench/analysis
	go test -run xxx -fuzz FuzzDataNoun -fuzztime 30s ./bench/taxonomy
	go test -run xxx -fuzz FuzzValidKey -fuzztime 30s ./registry
	go test -run xxx -fuzz FuzzParseDigest -fuzztime 30s ./registry
	go test -run xxx -fuzz FuzzDecodeManifest -fuzztime 30s ./registry
	go test -run xxx -fuzz FuzzParseS3URL -fuzztime 30s ./registry
	go test -run xxx -fuzz FuzzImport -fuzztime 30s ./registry
	go test -run xxx -fuzz FuzzEvidence -fuzztime 30s ./registry

clean:
	rm -rf bin report.html
