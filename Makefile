# Everything that is done to this project by hand or by CI is a target here.
# `make` lists them.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# Where Go is unpacked by default, for a shell that does not know it.
export PATH := $(PATH):/usr/local/go/bin

GO ?= go
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -X main.version=$(VERSION)

comma := ,

TOOLS := bin/tools/golangci-lint bin/tools/go-arch-lint bin/tools/workflowcheck

.PHONY: help run demo build test test-unit test-race test-tools test-e2e test-browser bench-inbox \
	lint fmt screenshots assets licences setup-run setup-test tidy clean FORCE

help: ## List the targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z0-9-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

## run and build -----------------------------------------------------------

run: setup-run bin/guiling-standalone ## Start everything in one process, with invented people at sign-in
	GUILING_DEMO=1 exec bin/guiling-standalone

demo: setup-run bin/guiling-standalone ## Live one case from review to archive in seconds
	bin/guiling-standalone demo

build: bin/guiling bin/guiling-standalone ## Build bin/guiling and bin/guiling-standalone

bin/guiling: FORCE
	$(GO) build -trimpath -ldflags '$(LDFLAGS)' -o $@ ./cmd/guiling

# Built with the same flags as the tests, so that the Temporal server is
# compiled once for both.
bin/guiling-standalone: FORCE
	@if [ ! -e $@ ]; then \
		echo 'The first build compiles the Temporal server: 3 to 4 minutes on two cores, seconds from then on.'; \
	fi
	cd standalone && ../scripts/patient.sh 'building the Temporal server' \
		$(GO) build -ldflags '$(LDFLAGS)' -o ../$@ .

# Go knows better than make whether a program is up to date.
FORCE:

## test --------------------------------------------------------------------

test: setup-test ## Install what the tests need, then run all of them
	$(MAKE) --no-print-directory test-unit test-race test-tools
	cd standalone && ../scripts/patient.sh 'compiling the Temporal server for the tests' $(GO) vet ./...
	cd standalone && $(GO) test -timeout 40m ./...

test-unit: ## Unit and integration tests of the product, each database a real PostgreSQL
	$(GO) test -timeout 20m ./...

test-race: ## Race detector over the packages where it is quick
	$(GO) test -race -timeout 15m ./internal/casework/... ./workflows/... ./worker ./web ./internal/commands ./internal/identity ./internal/sealing

# Not from the cache: Go does not notice changed files outside the module.
test-tools: ## Checks of docker-compose.yml and of the licences
	cd tools && $(GO) test -count 1 -timeout 10m ./...

test-e2e: ## Whole cases on a real Temporal server, without a browser
	cd standalone && $(GO) test -timeout 30m $$($(GO) list ./... | grep -v '/browser')

test-browser: ## The pages in a real Chromium
	cd standalone && $(GO) test -timeout 30m ./browser/...

# BENCH_CASES=10000,100000 measures other sizes. The largest of them needs 8 GB of
# disk in TMPDIR, which are given back.
bench-inbox: setup-test ## Pages over 10,000 and 1,000,000 cases, against their bare SQL; half an hour
	GUILING_BENCH_CASES='$(or $(BENCH_CASES),10000$(comma)1000000)' $(GO) test -count 1 -timeout 2h -v -run TestInbox ./internal/bench

## quality -----------------------------------------------------------------

lint: $(TOOLS) ## Formatting, linters, boundaries, determinism, catalogues, licences
	bin/tools/golangci-lint fmt --diff
	bin/tools/golangci-lint run ./...
	cd standalone && ../bin/tools/golangci-lint run ./...
	cd tools && ../bin/tools/golangci-lint run ./...
	bin/tools/go-arch-lint check --project-path "$(CURDIR)"
	bin/tools/workflowcheck ./workflows/...
	$(GO) test ./web/...
	cd tools && $(GO) test -count 1 ./licences

fmt: bin/tools/golangci-lint ## Format the code as `make lint` wants it
	bin/tools/golangci-lint fmt
	cd standalone && ../bin/tools/golangci-lint fmt

# The versions are in tools/go.mod; a new one there builds the tool anew.
bin/tools/golangci-lint: PACKAGE = github.com/golangci/golangci-lint/v2/cmd/golangci-lint
bin/tools/go-arch-lint: PACKAGE = github.com/fe3dback/go-arch-lint
bin/tools/workflowcheck: PACKAGE = go.temporal.io/sdk/contrib/tools/workflowcheck
$(TOOLS): tools/go.mod
	cd tools && ../scripts/patient.sh 'building $(notdir $@)' $(GO) build -trimpath -o ../$@ $(PACKAGE)
	@touch $@

licences: ## Write docs/dependencies.md: what we build on, under which licences
	cd tools && $(GO) run ./licences -write ../docs/dependencies.md

tidy: ## Tidy the three Go modules
	$(GO) mod tidy
	cd standalone && $(GO) mod tidy
	cd tools && $(GO) mod tidy

## assets and pictures -----------------------------------------------------

assets: ## Fetch the vendored web files again, at the versions in scripts/assets.sh
	scripts/assets.sh

screenshots: setup-test ## Take a picture of every page, in both languages, into var/screenshots; README's own go to docs
	cd standalone && GUILING_SCREENSHOTS='$(CURDIR)/var/screenshots' $(GO) test -count 1 -timeout 30m ./browser/...
	cp var/screenshots/case-rectification.png var/screenshots/case-rectification-en.png var/screenshots/training-overdue.png \
		var/screenshots/page-inbox.png var/screenshots/page-board.png var/screenshots/page-help-clocks-en.png docs/screenshots/

## house-keeping -----------------------------------------------------------

setup-run: ## Check Go and install PostgreSQL where it is missing
	@scripts/setup.sh run

setup-test: ## Check Go and install PostgreSQL, Chromium and a Chinese font where missing
	@scripts/setup.sh test

clean: ## Remove what was built; the data under var/ stays
	rm -rf bin
