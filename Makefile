# Hukou Gate. `make demo` shows it, `make test` proves it; README.md has the rest.

GO ?= go
TOOL = $(GO) tool -modfile=.ci/tools.mod
# Every test runs under the race detector; one package's tests have this long.
TEST_TIMEOUT ?= 20m
FUZZ_TIME ?= 60s

.PHONY: help demo tour build test vet bench proof fuzz

help: ## lists the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/'

demo: ## starts a gate before a synthetic registry and prints what to try
	$(GO) run ./cmd/hukougate demo

tour: ## runs the demo's requests itself and compares every value with the rules
	$(GO) run ./cmd/hukougate demo --tour

build: ## builds bin/hukougate and bin/hukouverify
	$(GO) build -trimpath -o bin/ ./cmd/hukougate ./cmd/hukouverify

test: ## installs what the tests need and runs everything
	.ci/install
	$(MAKE) vet
	$(TOOL) gotestsum --format pkgname-and-test-fails -- -race -timeout $(TEST_TIMEOUT) ./...

vet: ## go vet, gofmt, staticcheck and the module file
	$(GO) vet ./...
	@unformatted=$$(gofmt -l cmd module rules deploy); test -z "$$unformatted" || { echo "gofmt: $$unformatted"; exit 1; }
	$(GO) mod tidy -diff
	$(TOOL) staticcheck ./...

bench: ## requests/s and latency beside plain Caddy, in one run
	$(GO) run ./cmd/hukoubench

proof: ## the proofs at full size: 50 kills under load, every byte of a ledger, long fuzzing
	HUKOU_PROOF=1 HUKOU_CRASH_ROUNDS=50 $(GO) test -race -count=1 -timeout 60m -v -run 'Crash|Tamper|Hostile|EveryByte|TornTail' ./cmd/hukougate ./module/ledger
	$(MAKE) fuzz

fuzz: ## each fuzz target for FUZZ_TIME
	.ci/fuzz $(FUZZ_TIME)
