# What a newcomer runs, and what CI runs, are the same commands.
#
#   make run      build the program and try everything on this computer
#   make desktop  build the tray and the window as well
#   make test     every check there is
#   make screenshots  a picture of every page, in target/screenshots
#   make pictures  the README's pictures of the real window and tray
#   make package  installers for this computer's kind of system
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

# With a display `make run` opens the tray and the window, without one it
# prints each run.
DISPLAYED := $(if $(DISPLAY)$(WAYLAND_DISPLAY)$(filter Darwin,$(shell uname -s)),desktop,build)

.PHONY: help setup-run setup-desktop setup-test setup-package setup-screenshots setup-pictures screenshots \
  pictures run build desktop release release-desktop test lint unit keyring ui \
  types desktop-test bench package package-test clean

help:
	@sed -n 's/^#   //p' Makefile

setup-run:
	@tests/harness/packages.sh run

setup-desktop:
	@tests/harness/packages.sh desktop

setup-test:
	@tests/harness/packages.sh test

setup-package:
	@tests/harness/packages.sh package

setup-screenshots:
	@tests/harness/packages.sh screenshots

setup-pictures:
	@tests/harness/packages.sh pictures

build: setup-run
	$(CARGO) build --locked -p charmkeeper

desktop: setup-desktop build
	$(CARGO) build --locked -p charmkeeper-desktop

release: setup-run
	$(CARGO) build --locked --release -p charmkeeper

# As the bundler builds it, so that nothing is built twice.
release-desktop: setup-test release
	cd src-tauri && $(CARGO) build --locked --release --bins --features tauri/custom-protocol

run: $(DISPLAYED)
	./target/debug/charmkeeper sandbox

test: setup-test lint build unit keyring types desktop-test package-test ui

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

# The tray over D-Bus and the window over WebDriver, on a display of their own.
desktop-test: desktop
	tests/harness/desk.sh $(TEST) --locked -p charmkeeper-desktop-tests $(ONE_IGNORED)

# Our own charms against the type file that charm authors use.
types:
	cd patterns && npm ci --no-audit --no-fund --loglevel=error && npx tsc --noEmit

# The window: types, tests, and the page that the program embeds.
ui:
	cd ui && npm ci --no-audit --no-fund --loglevel=error && npm run --silent check && npm test --silent && npm run --silent build

# Every page and its main states, light and dark, at 100 % and at 200 %, from
# the page with a keeper of its own. Ends with 1 when a page is too wide or complains.
screenshots: setup-screenshots
	cd ui && npm ci --no-audit --no-fund --loglevel=error && npm run --silent build:fake && npm run --silent screenshots -- ../target/screenshots

# The real window and the real icon in a real panel, as the sandbox shows them.
pictures: setup-pictures desktop
	tests/harness/desk.sh tests/harness/keyring.sh ready tests/harness/picture.sh icons

bench: release release-desktop
	$(CARGO) build --locked -p charmkeeper-desktop-tests --bin bench-desktop
	$(CARGO) build --locked --release -p charmkeeper-toolshed --bin space-server
	$(CARGO) run --locked --release -p charmkeeper-tests --bin bench

# deb and rpm on Linux. The formats of other systems are configured in
# packaging/, and were not run.
package: setup-package
	packaging/build.sh

# The same packages of the development build, looked into and started once.
package-test: setup-package desktop
	packaging/build.sh --debug

clean:
	$(CARGO) clean
