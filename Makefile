# `make demo` and `make test` need nothing but Debian 12, Swift 6.3 and git: they install the rest.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.NOTPARALLEL:

SWIFT ?= swift
RELEASE_FLAGS := -c release --static-swift-stdlib
TEST_FLAGS := --skip-build --disable-xctest --no-parallel
SOURCES := Package.swift Sources Tests

export IMGBUILD ?= $(CURDIR)/.build/release/imgbuild
export IMGBUILD_BASES ?= $(or $(IMGBUILD_FIXTURES_CACHE),$(CURDIR)/.cache/bases)
export PATH := $(PATH):$(CURDIR)/.build-tools/moto/bin

.PHONY: help demo test setup setup-test build build-tests release bases format lint unit integration conformance \
	sanitize fuzz fuzz-targets bench clean

help: ## Show this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 14

demo: setup-test release ## Build, push and run a two-platform image on this machine
	scripts/demo

test: setup-test lint build-tests unit release integration conformance fuzz-targets ## Everything that CI runs

setup: ## Install what the build needs
	scripts/setup build

setup-test: ## Install what tests, demo and benchmarks need as well
	scripts/setup test

build: setup ## Debug build
	$(SWIFT) build

build-tests: setup
	$(SWIFT) build --build-tests

release: setup ## Release build: .build/release/imgbuild
	$(SWIFT) build $(RELEASE_FLAGS) --product imgbuild

bases: setup-test ## Make the base images that tests and demo use
	fixtures/bases/make-bases "$(IMGBUILD_BASES)"

format: ## Format all Swift code
	$(SWIFT) format --in-place --parallel --recursive $(SOURCES)

lint: ## Check the format of all Swift code
	$(SWIFT) format lint --strict --parallel --recursive $(SOURCES)

unit: build-tests ## Unit tests
	$(SWIFT) test $(TEST_FLAGS) --skip '^IntegrationTests\.'

integration: build-tests release bases ## Tests of the release build against real registries, readers and runtimes
	scripts/enable-binfmt
	$(SWIFT) test $(TEST_FLAGS) --filter '^IntegrationTests\.'

conformance: setup-test release ## Compare with BuildKit's recorded results, with a cold and with a warm cache
	scripts/conformance

sanitize: setup-test ## Unit tests under the address and thread sanitizers
	$(SWIFT) test --scratch-path .build-address --sanitize=address --disable-xctest --skip '^IntegrationTests\.'
	$(SWIFT) test --scratch-path .build-thread --sanitize=thread --disable-xctest --skip '^IntegrationTests\.'

fuzz: fuzz-targets release ## Feed broken input to the parsers, then broken Dockerfiles and images to the release build
	Tests/Fuzz/fuzz --seconds $(or $(SECONDS_TO_RUN),120)

fuzz-targets: setup-test ## Feed broken input to each parser by libFuzzer, FUZZ_SECONDS (10) each
	Tests/Fuzz/run-targets $(or $(FUZZ_SECONDS),10)

bench: setup-test release bases ## Compare speed, memory and traffic with peers on this machine
	Tests/Bench/bench

clean: ## Remove everything that is not in git
	rm -rf .build .build-* .cache .demo
