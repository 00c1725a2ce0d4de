# What a newcomer runs, and what CI runs, are the same commands.
#
#   make run      build the program and try everything on this computer
#   make test     every check there is
#   make bench    the budgets, measured on the release build
#   make help     this list

CARGO ?= cargo
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:

# cargo-nextest runs each test in a process of its own and is used where it is
# installed; plain `cargo test` runs the same tests.
NEXTEST := $(shell command -v cargo-nextest >/dev/null 2>&1 && echo yes)
ifeq ($(NEXTEST),yes)
TEST := $(CARGO) nextest run --no-fail-fast
ONE_IGNORED := --run-ignored ignored-only -j1
else
TEST := $(CARGO) test --no-fail-fast
ONE_IGNORED := -- --ignored --test-threads=1
endif

.PHONY: help setup-run setup-test run build release test lint unit keyring types bench clean

help:
	@sed -n 's/^#   //p' Makefile

setup-run:
	@tests/harness/packages.sh run

setup-test:
	@tests/harness/packages.sh test

build: setup-run
	$(CARGO) build --locked -p charmkeeper

release: setup-run
	$(CARGO) build --locked --release -p charmkeeper

run: build
	./target/debug/charmkeeper sandbox

test: setup-test lint build unit keyring types

lint:
	$(CARGO) fmt --all --check
	$(CARGO) clippy --locked --workspace --all-targets -- -D warnings

unit: build
	$(TEST) --locked --workspace

# Tests that need a real keyring in a certain state, each state in a private
# session bus. A test's name begins with the state that it is for.
keyring: build
	@for state in ready locked nocollection none nobus; do \
	  echo "keyring: $$state"; \
	  tests/harness/keyring.sh $$state \
	    $(TEST) --locked -p charmkeeper-accounts --test keychain $(ONE_IGNORED) $${state}_; \
	done

# Our own charms against the type file that charm authors use.
types:
	cd patterns && npm ci --no-audit --no-fund --loglevel=error && npx tsc --noEmit

bench: release
	$(CARGO) run --locked -p charmkeeper-tests --bin bench

clean:
	$(CARGO) clean
