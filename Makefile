# `make` alone lists what there is. Works with GNU make 3.81 (macOS) and newer; the work is done by scripts/.

PY := .venv/bin/python
CODE := $(wildcard gateway connectors sandbox demo bench torture main.py)

.DEFAULT_GOAL := help
.PHONY: help setup setup-dev demo test check test-fast test-integration test-crash test-cluster test-browser test-long bench bench-long torture clean

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-17s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

setup:  ## make .venv with what it takes to run; quick when nothing has changed
	@scripts/setup run

setup-dev:  ## the same with what it takes to develop and test
	@scripts/setup dev

demo: setup  ## a day to watch: all roles, the sandbox and its phones; ARGS="--help" shows more
	@$(PY) main.py demo $(ARGS)

test: setup-dev  ## everything: checks, all tests, browser tests; sets itself up
	@scripts/test all

check: setup-dev  ## ruff, mypy --strict, import-linter
	@failed=0; \
	$(PY) -m ruff check . || failed=1; \
	$(PY) -m mypy $(CODE) || failed=1; \
	.venv/bin/lint-imports --no-logo || failed=1; \
	exit $$failed

test-fast: setup-dev  ## tests without a server of their own making: seconds
	@scripts/test fast

test-integration: setup-dev  ## tests against real Valkey servers
	@scripts/test integration

test-crash: setup-dev  ## tests that kill processes and count
	@scripts/test crash

test-cluster: setup-dev  ## tests against a cluster of six Valkey servers
	@scripts/test cluster

test-browser: setup-dev  ## tests in Chromium
	@scripts/test browser

test-long: setup-dev  ## what takes too long for every change, with all its cases
	@LONG=1 scripts/test all

bench: setup  ## ours beside the bare limit, in one run
	@$(PY) main.py bench $(ARGS)

bench-long: setup  ## the same with what else one would pick, and curves to a million; ARGS="--max 100000" is shorter
	@scripts/setup-peers
	@$(PY) main.py bench --long $(ARGS)

torture: setup  ## kill a whole house for ten minutes and count at the handsets; ARGS="--help" shows more
	@$(PY) -m torture $(ARGS)

clean:  ## remove .venv and caches; asks before it touches data in var/
	@scripts/clean
