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

.PHONY: build help reproduce extend results test lint race test-engines simulate icons icons-data calibrate bench bench-gpu peer test-peer rates validators fuzz chaos clean

build: ## The program as bin/cidbench, its man pages, and completion for shells
	go build -ldflags '$(LDFLAGS)' -o bin/cidbench ./cmd/cidbench
	bin/cidbench man bin/man
	mkdir -p bin/completion
	for shell in bash zsh fish powershell; do bin/cidbench completion $$shell >bin/completion/cidbench.$$shell; done

help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

# What RESULTS.md, its figures and docs/report.html rest on: manifests and results, no checkpoints. A test makes them
# from it again.
EVIDENCE := cmd/cidbench/testdata/results.tar.gz
ICONS_EVIDENCE := cmd/cidbench/testdata/icons.tar.gz
# The icons themselves are not published: their folder is none.
PUBLISHED := --beside icons=$(ICONS_EVIDENCE) --data-dir bin/no-pictures --format md --output RESULTS.md --details docs

reproduce: build ## Train the plan's claims again in STORE, write REPRODUCED.md and its details, and say what is the same
	bin/cidbench reproduce --tier default --backend go --store $(STORE) --evidence $(EVIDENCE) --output REPRODUCED.md

# The outcome of the claims, whatever it is, is in what is written: it is no failure of make.
extend: build ## Train what the catalogue and the plan ask for beyond the published runs, on top of them, and publish both
	bin/cidbench plan --register --tier default --base $(EVIDENCE) --store $(STORE)
	bin/cidbench verify --tier default --base $(EVIDENCE) --store $(STORE) >/dev/null || [ $$? -eq 3 -o $$? -eq 4 ]
	bin/cidbench run --tier default --sweep fraction --base $(EVIDENCE) --store $(STORE)
	rm -rf docs/figures
	bin/cidbench report --tier default --base $(EVIDENCE) --store $(STORE) $(PUBLISHED) --save-evidence $(EVIDENCE)

results: build ## Write RESULTS.md, docs/figures and docs/report.html again from their evidence; nothing is trained
	rm -rf docs/figures
	bin/cidbench report --tier default --store $(EVIDENCE) $(PUBLISHED)

# The S3 store runs on a server that the tests build and start themselves. What was skipped is listed at the
# end, with the reason.
test: ## Every test of every package
	$(call tool,gotestsum) --format pkgname-and-test-fails --format-hide-empty-pkg -- -timeout 30m ./...

lint: ## golangci-lint over the code, actionlint over the hosted workflow
	$(call tool,golangci-lint) run
	$(call tool,actionlint) -shellcheck= -pyflakes=

# Training the end-to-end runs under the race detector would take an hour; their parts are here. GoMLX's SIMD
# kernels step a pointer past the end of an array, which the checks that come with the detector refuse; they
# stay on for everything else.
race: ## What is concurrent, under the race detector
	go test -race -gcflags=github.com/gomlx/compute/...=-d=checkptr=0 -short -timeout 30m ./registry/... ./report/judge ./study ./cli ./bench ./bench/analysis ./bench/contrast ./bench/views ./bench/moco ./bench/simclr ./bench/augment ./bench/negatives ./bench/dataset/fetch ./bench/dataset/importer ./bench/dataset/shards ./experiments

# Figures are worth something on an idle machine; the table says where they are not. All of them are in the file, too.
bench: build ## What a step and its pictures take, beside PyTorch where make peer or python3 has it, and bin/bench.json
	go build -o bin/speed ./bench/speed
	bin/speed -json bin/bench.json $(BENCHFLAGS)

bench-gpu: build ## The same for ResNets on a GPU, and bin/bench-gpu.json
	go build -o bin/speed ./bench/speed
	bin/speed -gpu -json bin/bench-gpu.json $(BENCHFLAGS)

TORCH ?= torch==2.15.0
TORCHVISION ?= torchvision==0.29.2

peer: ## PyTorch and torchvision into bin/peer, for make bench (some gigabytes)
	python3 -m venv bin/peer
	bin/peer/bin/python -m pip install --quiet numpy safetensors $(TORCH) $(TORCHVISION)

# Their Python comes first on the PATH, with XLA's plugins, where the tests find both.
test-peer: peer ## What is held against PyTorch and torchvision: layers, encoders of both, steps, views
	bin/peer/bin/python -m pip install --quiet --no-deps --require-hashes -r .ci/xla.txt
	PATH="$(CURDIR)/bin/peer/bin:$$PATH" CIDBENCH_REQUIRE_PEER=1 CIDBENCH_REQUIRE_XLA=1 go test -count=1 -v -timeout 45m -run 'Torch|torch|Peer|ResNet50' ./bench/encoder ./bench/encoderfile ./bench/speed

VALIDATORS := bin/validators

# Each in a Python of its own, for what they need does not go together. rocrate is there for RO-Crate's context alone, which
# rocrate-validator would otherwise fetch each time.
validators: ## Others' validators of evidence, for docs/evidence.md, into bin/validators (600 MB)
	rm -rf $(VALIDATORS)
	for tool in roc-validator in-toto-attestation model-signing mlcroissant cffconvert rocrate; do \
		python3 -m venv $(VALIDATORS)/$$tool; \
		$(VALIDATORS)/$$tool/bin/pip install -q --disable-pip-version-check --no-deps --require-hashes -r .ci/validators/$$tool.txt; \
	done
	$(VALIDATORS)/roc-validator/bin/python .ci/validators/context.py $(VALIDATORS)/rocrate/lib/python3*/site-packages/rocrate/data/ro-crate.jsonld $(VALIDATORS)/context
	touch $(VALIDATORS)/whole

# Needs Debian's slurm-wlm, munge and jq. The first time a control plane of Kubernetes is built, from the Go module proxy.
test-engines: ## What deploy/ holds, on the engines that it is for: half an hour
	CIDBENCH_TEST_ENGINES=1 go test -count=1 -timeout 90m ./deploy/...

simulate: ## What up to 1,000 workers ask of a bucket, as the table of docs/scale.md: an hour or more
	go test -count=1 -timeout 5h -v ./bench -run TestRequestsGrowWithTheWork -whole

# npm checks the packages against the digests in the lock file; nothing of them is run but the renderer, in node.
ICONS := bench/dataset/icons

icons: icons-data ## Real pictures, from nothing: make icons-data, then train the plan's claims on them and say what is the same
	bin/cidbench reproduce --tier icons --backend go --store $(STORE) --evidence $(ICONS_EVIDENCE) --output REPRODUCED-icons.md

icons-data: build ## The data sets icons and icons-validation, from npm packages (npm and node needed)
	mkdir -p bin/icons
	cp $(ICONS)/package.json $(ICONS)/package-lock.json bin/icons
	npm ci --prefix bin/icons --ignore-scripts --no-audit --no-fund
	go run ./cmd/icons -modules bin/icons/node_modules -output bin/icons/made
	for set in icons icons-validation; do bin/cidbench data import bin/icons/made/$$set --name $$set --replace; done

calibrate: ## How often verdicts are wrong in simulated worlds, as docs/error-rates.md
	go test -count=1 -timeout 120m -run TestErrorRates ./report/calibrate -write ../../docs/error-rates.md

rates: ## How often nights raise an alarm, for nothing and for a shift, in simulated rows: the tables of docs/drift.md must be that
	go test -count=1 -timeout 120m -v -run TestRates ./report/drift -replications 400

FUZZTIME ?= 30s

# Inputs that find something new are kept as they are: making each smaller first costs more than it gives.
fuzz: ## Every fuzz target for FUZZTIME (30s), and how many inputs it ran
	@targets=$$(go test -list '^Fuzz' ./... | awk '/^Fuzz/ { names[n++] = $$1 } /^ok/ { for (i = 0; i < n; i++) print names[i], $$2; n = 0 }'); \
	test -n "$$targets" || { echo "no fuzz targets found"; exit 1; }; \
	mkdir -p bin; ran=; \
	while read -r name package; do \
		echo "== $$name in $$package"; \
		go test -run '^$$' -fuzz "^$$name$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 0x $$package </dev/null | tee bin/fuzz.txt; \
		ran+="$$(sed -n 's/.*execs: \([0-9]*\).*/\1/p' bin/fuzz.txt | tail -1) inputs: $$name in $$package"$$'\n'; \
	done <<< "$$targets"; \
	rm bin/fuzz.txt; printf '\n%s' "$$ran"

FAULTS ?= 10000
SEED ?= 1

chaos: ## FAULTS (10000) faults on registries in a directory and on versitygw, by SEED: nothing may be lost or counted twice
	go test -count=1 -timeout 6h -v ./registry/chaos -faults $$(( ($(FAULTS) + 1) / 2 )) -seed $(SEED)

clean: ## Remove what make built; the store stays
	rm -rf bin REPRODUCED*.md REPRODUCED*-details
