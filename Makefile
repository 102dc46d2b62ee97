# Every target does its own set-up: from a clean clone `make demo` and `make test` are all there is to type.
# With CARGO_TARGET_DIR set, everything that is built goes there instead of target/.

ARGS ?=
ROUNDS ?= 20
DURATION_S ?= 300
FAILOVER_S ?= 30
RACES ?= 1000
SECONDS ?= 20
CONTRACT_SECONDS ?= 300
SEEDS ?= 1000
TARGET := $(abspath $(or $(CARGO_TARGET_DIR),target))
LOCKED := $(if $(CI),--locked)

# cargo-deny: the one that scripts/setup.sh built, or one on this machine of the version that it names.
DENY := PATH="$(TARGET)/tools/bin:$$PATH" cargo-deny

# Black-box tests that run on PostgreSQL too; what looks into files and backups of the embedded store stays with it.
ON_POSTGRES := adjustments:: cases:: partners:: safekeeping::archived --skip marks::

# The interpreter that tests start for the independent Python clients.
export FEIQIAN_TEST_PYTHON := $(TARGET)/venv/bin/python

# A machine without a network may have the pinned compiler under rustup's name `stable` only.
PINNED := $(shell sed -n 's/^channel = "\(.*\)"/\1/p' rust-toolchain.toml)
ifeq ($(RUSTUP_TOOLCHAIN)$(findstring $(PINNED)-,$(shell rustup toolchain list 2>/dev/null)),)
ifneq ($(findstring rustc $(PINNED) ,$(shell RUSTUP_TOOLCHAIN=stable rustc --version 2>/dev/null)),)
export RUSTUP_TOOLCHAIN := stable
endif
endif

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo test bench sim abuse power-loss mutations crash crash-nodes failover races contract fuzz citus fmt docs release check-release check-deploy check-format lint unit tree deny advisories setup-build setup-test clean

help: ## This list
	@sed -n 's/^\([a-z][a-z-]*\):.*## /  make \1	/p' $(firstword $(MAKEFILE_LIST)) | expand -t 20

demo: setup-build ## Run the main job on fresh data and show it; ARGS=--once walks it once and ends
	@echo "building feiqian (the first time takes some minutes: SQLite and the cryptography library are compiled)"
	@cargo build $(LOCKED) --workspace --bin feiqian
	@$(TARGET)/debug/feiqian demo $(ARGS)

test: setup-test check-format lint unit tree check-deploy ## Check the format and lints, run all tests

bench: setup-build ## Measure; prints a table and writes target/bench/report.json
	cargo build $(LOCKED) --release --workspace --bin feiqian --bin bench
	@mkdir -p $(TARGET)/bench
	$(TARGET)/release/bench --out $(TARGET)/bench $(ARGS)

sim: setup-build ## Run SEEDS histories (1000) with faults and crashes, each judged by the auditor; SEED=n runs one and prints it
	cargo build $(LOCKED) --release -p simtest
	$(TARGET)/release/simtest $(if $(SEED),--seed $(SEED),--seeds $(SEEDS)) $(ARGS)

mutations: setup-build ## Turn on faults made by hand, one at a time: the simulator must find each; writes crates/simtest/MUTATIONS.md
	scripts/mutations.py

crash: setup-build ## Kill the server under load and verify, ROUNDS times (20)
	cargo build $(LOCKED) --workspace --bin feiqian
	scripts/crash.sh $(ROUNDS)

fuzz: ## Fuzz every reader of outside bytes, SECONDS each (20)
	@scripts/setup.sh fuzz
	scripts/fuzz.sh $(SECONDS)

contract: setup-test ## Try the served OpenAPI document with drawn requests, twice CONTRACT_SECONDS (300)
	FEIQIAN_CONTRACT_SECONDS=$(CONTRACT_SECONDS) cargo test $(LOCKED) --workspace --test it -- --nocapture \
	  every_answer_is_as_the_served_document_says a_document_with_a_false_word_is_found_out

abuse: setup-test ## Attack the server on loopback and write what its memory came to into docs/abuse.md
	cargo test $(LOCKED) -p server --test it abuse:: -- --test-threads=1
	UPDATE_ABUSE=1 cargo test $(LOCKED) -p server --test it the_committed_page_has_the_attacks

power-loss: setup-test ## Cut the power between two commits of the embedded store, ROUNDS hundred times (20)
	FEIQIAN_POWER_CUTS=$(ROUNDS)00 cargo test $(LOCKED) -p store --test it what_was_acknowledged_before_a_power_cut

crash-nodes: setup-test ## Two nodes on PostgreSQL: kill one again and again, restart the database twice, verify; DURATION_S (300)
	cargo build $(LOCKED) --workspace --bin feiqian
	scripts/crash_nodes.sh $(DURATION_S)

failover: setup-test ## Two nodes on PostgreSQL with a synchronous standby: lose the primary, then restore an earlier moment; FAILOVER_S (30)
	cargo build $(LOCKED) --workspace --bin feiqian
	scripts/failover.sh $(FAILOVER_S)

races: setup-test ## Two nodes on PostgreSQL asked the same at once, RACES times each (1000)
	FEIQIAN_RACE_ROUNDS=$(RACES) cargo test $(LOCKED) -p server --test it -- nodes::races nodes::crossing --nocapture --test-threads 1

citus: setup-test ## The money tests on a Citus cluster of a coordinator and two workers; needs Citus in this machine's PostgreSQL
	FEIQIAN_TEST_ENGINE=postgres scripts/citus.sh cargo test $(LOCKED) -p server --test it --no-fail-fast -- $(ON_POSTGRES)

fmt: ## Format the code
	cargo fmt --all

docs: setup-build ## Write again what is rendered from the code: docs/, openapi/
	UPDATE_DOCS=1 UPDATE_OPENAPI=1 cargo test $(LOCKED) --workspace the_committed
	@# openapi/llms.txt quotes pages that were written just now.
	UPDATE_OPENAPI=1 cargo test $(LOCKED) -p api the_committed

release: setup-test ## Make the archive that operators install, its bill of materials and checksums, in target/dist
	scripts/release.sh

check-release: ## Show, as root, that the archive starts on a machine without a toolchain
	scripts/check_release.sh

check-deploy: ## Check what operators install: container and compose file, units, alert rules, scripts
	scripts/check_deploy.sh

check-format:
	cargo fmt --all --check

lint:
	cargo clippy $(LOCKED) --workspace --all-targets -- -D warnings

# The second run: what the engine matters to, on PostgreSQL. The store's own tests run on both in the first.
unit:
	cargo test $(LOCKED) --workspace --no-fail-fast
	FEIQIAN_TEST_ENGINE=postgres cargo test $(LOCKED) -p server --test it --no-fail-fast -- $(ON_POSTGRES)

# One provider of cryptography. With two compiled in, rustls cannot choose and panics at the first handshake.
tree:
	cargo tree $(LOCKED) --workspace -e normal --prefix none > $(TARGET)/tree.txt
	@if grep '^ring ' $(TARGET)/tree.txt; then echo "ring is compiled in: cargo tree -i ring tells by whom"; exit 1; fi

deny: ## Check licences, banned crates and sources of all dependencies (builds cargo-deny once)
	@scripts/setup.sh deny
	$(DENY) check bans licenses sources

advisories: ## Check dependencies against the RustSec advisories; needs the network
	@scripts/setup.sh deny
	$(DENY) check advisories

setup-build:
	@scripts/setup.sh build

setup-test:
	@scripts/setup.sh test

clean: ## Remove everything that was built
	cargo clean
