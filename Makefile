# Everything a developer runs; `make help` lists it.
#
# Build folders: .build (debug and release), .build-asan and .build-tsan.  Each stays warm, so no
# target rebuilds what another has built.

SHELL := /bin/bash
export SWIFT ?= swift
SOURCES := Package.swift Sources Tests Benchmarks
# The modules with unsafe memory, and those that threads share.
ASAN_SUITES := PrimitivesTests|JSONTests|GRPCTests|InferenceTests|TLSTests|HTTPTests|CodecTests|ExecutionTests|ModelFormatTests|BatchingTests|MonitoringTests|FileScoringTests|LoadTestTests|GatewayTests
# Protocols that threads share are also checked over every interleaving: `make proofs`.
TSAN_SUITES := PrimitivesTests|InferenceTests|TelemetryTests|ReactorTests|TLSTests|RoutingTests|RolloutTests|BatchingTests|MonitoringTests|FileScoringTests|GatewayTests
# Random models and simulated runs under a sanitizer: every check, less often than without one.
FEWER := SERIN_SHORT=1 SERIN_DRIFT_RESAMPLINGS=1 SERIN_VERDICTS=5
PYTEST := .venv/bin/python -m pytest
# The leak checker runs too; what it is to forgive stands in the file.
ASAN := LSAN_OPTIONS=suppressions=$(CURDIR)/.ci/lsan.supp:print_suppressions=0
# What faces the network, from outside.
SERVING_TESTS := $(addprefix Tests/EndToEnd/test_,http2_conformance.py http1_conformance.py grpc_frames.py abuse.py tls_abuse.py)
# Seconds for each fuzz target; `make fuzz` is the long run, the tests' own default the short one.
FUZZ_SECONDS ?= 300
# Seconds for each attack of `make abuse`; the tests' own default is the short form.
ABUSE_SECONDS ?= 10
# Replacements of a gateway, and requests a second meanwhile, of `make upgrades`.
UPGRADES ?= 10
UPGRADE_RATE ?= 5000
# Models of each library for `make parity`, and where their random numbers begin.
PARITY_COUNT ?= 200
PARITY_SEED ?= 1

.PHONY: help serve certs build release test lint format unit-test end-to-end story abuse upgrades sanitize sanitize-serving fuzz parity proofs bench peers clean \
	format-check sanitize-short dependencies test-dependencies bench-dependencies
.NOTPARALLEL:

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 24

serve: dependencies release ## build release, serve models/ on port 8080, print a curl line to try
	@.ci/serve

test: test-dependencies format-check unit-test proofs sanitize-short end-to-end ## everything CI checks

certs: dependencies ## certs/: a test authority with server and client certificates
	@.ci/certs certs
	@echo "certs/ca.pem is the authority; server.pem and client.pem have their keys beside them"

lint: test-dependencies format-check ## format, module diagram, lengths, banned names
	.ci/swift-test --filter TidyTests

bench: bench-dependencies release ## serving against nghttpd, scoring against other libraries, the load generator; PASS or FAIL
	Benchmarks/serving/footprint
	Benchmarks/serving/cpu-per-request
	Benchmarks/scoring/scoring
	Benchmarks/counting/counting
	Benchmarks/loadtest/truth
	Benchmarks/loadtest/generator

peers: test-dependencies release ## Serin beside FastAPI, MLServer, Triton, Ray Serve, BentoML and others: a table and a plot
	Benchmarks/peers/peers

sanitize: test-dependencies ## all suites under the address and the thread sanitizer
	$(ASAN) .ci/swift-test --scratch-path .build-asan --sanitize=address
	.ci/swift-test --scratch-path .build-tsan --sanitize=thread

sanitize-serving: test-dependencies .venv/.complete ## conformance and abuse against servers under the sanitizers
	SERIN_SANITIZED=1 $(SWIFT) build --scratch-path .build-asan --sanitize=address --configuration release --product serin
	$(ASAN) SERIN_SANITIZED=1 SERIN_BINARY=.build-asan/release/serin $(PYTEST) $(SERVING_TESTS)
	SERIN_SANITIZED=1 $(SWIFT) build --scratch-path .build-tsan --sanitize=thread --configuration release --product serin
	SERIN_SANITIZED=1 SERIN_BINARY=.build-tsan/release/serin $(PYTEST) $(SERVING_TESTS)

fuzz: test-dependencies ## fuzz every parser under the address sanitizer, FUZZ_SECONDS (300) each
	$(ASAN) SERIN_FUZZ_SECONDS=$(FUZZ_SECONDS) .ci/swift-test --scratch-path .build-asan --sanitize=address \
		--no-parallel --filter Fuzz

parity: test-dependencies .cache/train/.complete ## PARITY_COUNT (200) new models of each library, scored as their trainers do
	@.ci/parity .cache/train/bin/python $(PARITY_COUNT) $(PARITY_SEED)

format: ## rewrite the sources as .swift-format says
	$(SWIFT) format --in-place --recursive --parallel $(SOURCES)

unit-test: test-dependencies ## the Swift tests, debug
	.ci/swift-test

end-to-end: test-dependencies release .venv/.complete ## real clients against the release build
	$(PYTEST) Tests/EndToEnd

story: test-dependencies release .venv/.complete ## the whole loop on the shipped data: decay, drift, labels, webhook, rollout, recovery
	$(PYTEST) Tests/EndToEnd/test_story.py -s

abuse: test-dependencies release .venv/.complete ## every attack for ABUSE_SECONDS (10), with a bar on others' latencies
	SERIN_ABUSE_SECONDS=$(ABUSE_SECONDS) $(PYTEST) Tests/EndToEnd/test_abuse.py -s

upgrades: test-dependencies release .venv/.complete ## 10 upgrades and 10 restarts of one of two, h2load alone at 5,000 requests/s: figures
	UPGRADES=$(UPGRADES) UPGRADE_RATE=$(UPGRADE_RATE) $(PYTEST) Tests/EndToEnd/test_upgrade.py -s -k lose_no_request

proofs: test-dependencies ## spin checks the queue's and the reclamation's protocols, and finds the seeded faults
	.ci/proofs

release: dependencies ## .build/release/serin
	$(SWIFT) build --configuration release --product serin

build: dependencies ## debug build of everything
	$(SWIFT) build --build-tests

clean: ## remove what was built
	rm -rf .build .build-asan .build-tsan .venv

format-check:
	$(SWIFT) format lint --strict --recursive --parallel $(SOURCES)

sanitize-short: test-dependencies
	$(ASAN) $(FEWER) .ci/swift-test --scratch-path .build-asan --sanitize=address --filter '$(ASAN_SUITES)'
	$(FEWER) .ci/swift-test --scratch-path .build-tsan --sanitize=thread --filter '$(TSAN_SUITES)'

dependencies:
	@.ci/dependencies build

test-dependencies:
	@.ci/dependencies test

bench-dependencies:
	@.ci/dependencies bench

.venv/.complete: Tests/EndToEnd/requirements.txt
	python3 -m venv .venv
	.venv/bin/python -m pip install --quiet --disable-pip-version-check --requirement $<
	touch $@

.cache/train/.complete: models/train/requirements.txt
	python3 -m venv .cache/train
	.cache/train/bin/python -m pip install --quiet --disable-pip-version-check --requirement $<
	touch $@
