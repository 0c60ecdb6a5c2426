# Training on the pure-Go backend is several times faster with SIMD; cidbench says so when it is missing.
export GOEXPERIMENT := simd
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c

STORE ?= .cidbench
COMMIT := $(shell git rev-parse HEAD 2>/dev/null)
DIRTY := $(shell test -z "$$(git status --porcelain 2>/dev/null)" || echo true)
BENCH := github.com/cidbench/cidbench/bench
LDFLAGS := -X $(BENCH).Commit=$(COMMIT) -X $(BENCH).Dirty=$(DIRTY)

# Developer tools, each a module of its own, so that what they need is not what cidbench needs.
tool = go tool -modfile=tools/$(1)/go.mod $(1)

.PHONY: build help reproduce extend results test lint race icons calibrate bench bench-gpu peer fuzz clean

build: ## The program as bin/cidbench, its man pages, and completion for shells
	go build -ldflags '$(LDFLAGS)' -o bin/cidbench ./cmd/cidbench
	bin/cidbench man bin/man
	mkdir -p bin/completion
	for shell in bash zsh fish powershell; do bin/cidbench completion $$shell >bin/completion/cidbench.$$shell; done

help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

# What RESULTS.md rests on: manifests and results, no checkpoints. A test makes RESULTS.md from it again.
EVIDENCE := cmd/cidbench/testdata/results.tar.gz

reproduce: build ## Train the plan's claims again in STORE, write REPRODUCED.md and report.html, and say what is the same
	bin/cidbench reproduce --tier default --backend go --store $(STORE) --evidence $(EVIDENCE) --output REPRODUCED.md
	bin/cidbench report --tier default --store $(STORE) --format html --output report.html

# The outcome of the claims, whatever it is, is in what is written: it is no failure of make.
extend: build ## Train what the catalogue and the plan ask for beyond the published runs, on top of them, and publish both
	bin/cidbench plan --register --tier default --base $(EVIDENCE) --store $(STORE)
	bin/cidbench verify --tier default --base $(EVIDENCE) --store $(STORE) >/dev/null || [ $$? -eq 3 -o $$? -eq 4 ]
	bin/cidbench run --tier default --sweep fraction --base $(EVIDENCE) --store $(STORE)
	bin/cidbench report --tier default --base $(EVIDENCE) --store $(STORE) --format md --output RESULTS.md --save-evidence $(EVIDENCE)

results: build ## Write RESULTS.md again from its evidence, as after a change of the report; nothing is trained
	bin/cidbench report --tier default --store $(EVIDENCE) --format md --output RESULTS.md

# The S3 store runs on a server that the tests build and start themselves. What was skipped is listed at the
# end, with the reason.
test: ## Every test of every package
	$(call tool,gotestsum) --format pkgname-and-test-fails --format-hide-empty-pkg -- -timeout 20m ./...

lint: ## golangci-lint over the code, actionlint over the hosted workflow
	$(call tool,golangci-lint) run
	$(call tool,actionlint) -shellcheck= -pyflakes=

# Training the end-to-end runs under the race detector would take an hour; their parts are here. GoMLX's SIMD
# kernels step a pointer past the end of an array, which the checks that come with the detector refuse; they
# stay on for everything else.
race: ## What is concurrent, under the race detector
	go test -race -gcflags=github.com/gomlx/compute/...=-d=checkptr=0 -short -timeout 30m ./registry/... ./report/judge ./study ./cli ./bench ./bench/analysis ./bench/contrast ./bench/views ./bench/moco ./bench/simclr ./bench/augment ./bench/negatives ./bench/dataset/fetch ./bench/dataset/importer ./bench/dataset/shards ./experiments

# Figures are worth something on an idle machine; the table says where they are not. All of them are in the file, too.
bench: build ## What a training step takes, beside PyTorch where make peer or python3 has it, and bin/bench.json
	go build -o bin/speed ./bench/speed
	bin/speed -json bin/bench.json $(BENCHFLAGS)

bench-gpu: build ## The same for ResNets on a GPU, and bin/bench-gpu.json
	go build -o bin/speed ./bench/speed
	bin/speed -gpu -json bin/bench-gpu.json $(BENCHFLAGS)

TORCH ?= torch==2.15.0

peer: ## PyTorch into bin/peer, for make bench (some gigabytes)
	python3 -m venv bin/peer
	bin/peer/bin/pip install --quiet numpy $(TORCH)

# npm checks the packages against the digests in the lock file; nothing of them is run but the renderer, in node.
ICONS := bench/dataset/icons

icons: build ## Real pictures: the data sets icons and icons-validation, from npm packages (npm and node needed)
	mkdir -p bin/icons
	cp $(ICONS)/package.json $(ICONS)/package-lock.json bin/icons
	npm ci --prefix bin/icons --ignore-scripts --no-audit --no-fund
	go run ./cmd/icons -modules bin/icons/node_modules -output bin/icons/made
	for set in icons icons-validation; do bin/cidbench data import bin/icons/made/$$set --name $$set --replace; done

calibrate: ## How often verdicts are wrong in simulated worlds, as docs/error-rates.md
	go test -count=1 -timeout 120m -run TestErrorRates ./report/calibrate -write ../../docs/error-rates.md

FUZZTIME ?= 30s

fuzz: ## Every fuzz target for FUZZTIME (30s), and how many inputs it ran
	@targets=$$(go test -list '^Fuzz' ./... | awk '/^Fuzz/ { names[n++] = $$1 } /^ok/ { for (i = 0; i < n; i++) print names[i], $$2; n = 0 }'); \
	test -n "$$targets" || { echo "no fuzz targets found"; exit 1; }; \
	mkdir -p bin; ran=; \
	while read -r name package; do \
		echo "== $$name in $$package"; \
		go test -run '^$$' -fuzz "^$$name$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 1x $$package </dev/null | tee bin/fuzz.txt; \
		ran+="$$(sed -n 's/.*execs: \([0-9]*\).*/\1/p' bin/fuzz.txt | tail -1) inputs: $$name in $$package"$$'\n'; \
	done <<< "$$targets"; \
	rm bin/fuzz.txt; printf '\n%s' "$$ran"

clean: ## Remove what make built; the store stays
	rm -rf bin report.html REPRODUCED.md
