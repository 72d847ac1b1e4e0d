# How to work on Sanyuantong. `make run` serves it, `make test` proves it; nothing but Python 3.11+ and make is needed.

PYTHON ?= $(shell for name in python3 python3.11 python3.12 python3.13 python; do \
	$$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$name && break; done)
VENV ?= .venv
BIN := $(VENV)/bin
# A stamp names what the environment holds, so a changed requirements file is installed and an unchanged one costs nothing.
RUNTIME := $(VENV)/runtime-$(shell cksum < requirements.txt | cut -d' ' -f1)
DEVELOPMENT := $(VENV)/development-$(shell cat requirements.txt requirements-dev.txt | cksum | cut -d' ' -f1)
OURS := api config core inspections journal media notifications organizations privacy reports surveys sync tests
WORKERS ?= 2
ENGINES ?= sqlite postgres
TESTS ?=

.DEFAULT_GOAL := help
.PHONY: help run test production-drill check lint format types contracts migrations openapi lock clean

help:
	@echo "make run               serve with a demo world at http://127.0.0.1:8000 (PORT=… for another)"
	@echo "make test              all tests, on SQLite and on PostgreSQL (TESTS=tests/sync ENGINES=sqlite for some)"
	@echo "make production-drill  install as deploy/ says, then kill every part in turn and see it come back"
	@echo "make systemd-drill     the same on a Debian of its own that systemd boots, as root (debootstrap, systemd-container)"
	@echo "make compose-drill     the same with deploy/compose.yaml, where there is Docker"
	@echo "make overload          ask five times what the server can do, slow lines beside it, and count"
	@echo "make check             everything a machine can judge: format, lint, types, contracts, migrations, OpenAPI, tests"
	@echo "make fuzz              parsers, operations and hostile requests with new inputs each time (FUZZ=3000)"
	@echo "make fuzz-deep         the parsers under a fuzzer that follows their branches (FUZZ_SECONDS=60 each)"
	@echo "make tour              the main job told by a phone over HTTP, against the server at PORT or one of its own"
	@echo "make agreement         reports over random worlds against a simple count (N=1000)"
	@echo "make pictures          sheets and bulletins rendered by LibreOffice, to be looked at"
	@echo "make tour-production   the same against PostgreSQL and S3 with two app processes"
	@echo "make format            put the code in form"
	@echo "make openapi           write openapi.yaml and the tables in docs/ from the code"
	@echo "make lock              pin the requirements anew"
	@echo "make clean             remove the environment and everything in var/"

run: $(RUNTIME)
	@$(BIN)/python manage.py migrate --verbosity 0
	@$(BIN)/python manage.py demo --if-empty
	@exec $(BIN)/python manage.py serve

# What SQLite said to hostile requests is kept for PostgreSQL, which has to say the same.
test: $(DEVELOPMENT)
	@set -e; VERDICTS=$$(mktemp -d); export VERDICTS; trap 'rm -rf "$$VERDICTS"' EXIT; \
	for engine in $(ENGINES); do \
		$(BIN)/python -m pytest --engine=$$engine -n $(WORKERS) --dist worksteal -q $(TESTS); done

production-drill: $(DEVELOPMENT)
	@$(BIN)/python -m tests.services.guide
	@$(BIN)/python -m tests.services.drill

.PHONY: systemd-drill
systemd-drill: $(DEVELOPMENT)
	@$(BIN)/python -m tests.services.machine

.PHONY: compose-drill
compose-drill: $(DEVELOPMENT)
	@$(BIN)/python -m tests.services.containers

.PHONY: overload
overload: $(DEVELOPMENT)
	@$(BIN)/python -m tests.services.overload

.PHONY: tour tour-production
tour: $(DEVELOPMENT)
	@$(BIN)/python -m demo.tour

tour-production: $(DEVELOPMENT)
	@$(BIN)/python -m tests.services.production --processes 2 -- $(BIN)/python -m demo.tour

check: lint types contracts migrations openapi-fresh test

lint: $(DEVELOPMENT)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(DEVELOPMENT)
	$(BIN)/mypy

contracts: $(DEVELOPMENT)
	$(BIN)/lint-imports

migrations: $(DEVELOPMENT)
	$(BIN)/python manage.py makemigrations --check --dry-run

format: $(DEVELOPMENT)
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

openapi: $(RUNTIME)
	$(BIN)/python manage.py spectacular --validate --fail-on-warn --file openapi.yaml
	$(BIN)/python manage.py permissions --file docs/permissions.md
	$(BIN)/python manage.py privacy_register --file docs/personal-information.md

.PHONY: openapi-fresh
openapi-fresh: $(DEVELOPMENT)
	$(BIN)/python manage.py spectacular --validate --fail-on-warn | diff -u openapi.yaml - \
		|| { echo "openapi.yaml is not what the code says: run make openapi"; exit 1; }

# No address of a package index is written anywhere: each machine has its own.
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header
lock: $(DEVELOPMENT)
	$(LOCK) requirements.in --output-file requirements.txt
	$(LOCK) requirements-dev.in --output-file requirements-dev.txt
	$(LOCK) requirements-fuzz.in --output-file requirements-fuzz.txt

clean:
	rm -rf $(VENV) var

# --- the environment ---

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Sanyuantong needs Python 3.11 or newer; name one with PYTHON=…"; exit 1; }
	@echo "Making the environment in $(VENV) …"
	@$(PYTHON) -m venv $(VENV) 2>/dev/null \
		|| { rm -rf $(VENV); uv venv --quiet --seed --python $(PYTHON) $(VENV) 2>/dev/null; } \
		|| { rm -rf $(VENV); $(PYTHON) -m virtualenv --quiet $(VENV) 2>/dev/null; } \
		|| { echo "$(PYTHON) cannot make environments: install its venv module (Debian: python3-venv)"; exit 1; }

# uv is quicker, but reads no pip configuration; where it cannot, pip can.
define install
	@echo "Installing $(1) …"
	@{ command -v uv >/dev/null && VIRTUAL_ENV=$(VENV) uv pip install --quiet --require-hashes $(2) 2>/dev/null; } \
		|| $(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes $(2)
endef

$(RUNTIME): | $(BIN)/python
	$(call install,what it needs to run,-r requirements.txt)
	@rm -f $(VENV)/runtime-* && touch $@

$(DEVELOPMENT): $(RUNTIME) | $(BIN)/python
	$(call install,what it needs to be tested,-r requirements.txt -r requirements-dev.txt)
	@rm -f $(VENV)/development-* && touch $@

# --- measures: ratios within one run count, not single figures ---
.PHONY: bench
bench: $(DEVELOPMENT)
	$(BIN)/python -m bench.sync
	$(BIN)/python -m bench.uploads
	$(BIN)/python -m bench.forms

# --- hostile input at length; `make test` runs a short tier of it ---
# every parser and every operation with inputs that are new each time (FUZZ=… for more), then the hostile corpus of another seed
.PHONY: fuzz
FUZZ ?= 3000
fuzz: $(DEVELOPMENT)
	FUZZ=$(FUZZ) $(BIN)/python -m pytest --engine=sqlite -q tests/test_parsers.py tests/api/test_contract.py
	FUZZ_SEED=$$(date +%s) $(BIN)/python -m pytest --engine=postgres -q tests/api/test_hostile.py

# The parsers again, under a fuzzer that follows their branches; its wheels are for fewer machines than ours.
.PHONY: fuzz-deep
FUZZ_SECONDS ?= 60
fuzz-deep: $(DEVELOPMENT)
	$(call install,the fuzzer,-r requirements-fuzz.txt)
	$(BIN)/python -m tests.fuzz --seconds $(FUZZ_SECONDS)

# The same beside ten million records; filling the database takes longer than all the rest.
.PHONY: bench-flat
bench-flat: $(DEVELOPMENT)
	$(BIN)/python -m bench.flat

# --- the sync engine's long proofs; `make test` runs a short tier of each ---
.PHONY: feed sim sim-mutants crashpoints pgkill serverkill
N ?= 100000
KILLS ?= 200

feed: $(DEVELOPMENT)
	$(BIN)/python -m tests.sync.feed --engine=sqlite --seconds=15
	$(BIN)/python -m tests.sync.feed --engine=postgres --seconds=30

sim: $(DEVELOPMENT)
	$(BIN)/python -m tests.sync.simulator --sends=$(N)

sim-mutants: $(DEVELOPMENT)
	$(BIN)/python -m tests.sync.mutants

crashpoints: $(DEVELOPMENT)
	$(BIN)/python -m tests.sync.crashpoints --engine=sqlite
	$(BIN)/python -m tests.sync.crashpoints --engine=postgres

pgkill: $(DEVELOPMENT)
	$(BIN)/python -m tests.sync.kills --kills=$(KILLS)

# Random worlds: every indicator, and every score of a random scheme, against a simple count of its own. About five minutes an engine.
.PHONY: agreement
agreement: N := 1000
agreement: $(DEVELOPMENT)
	@set -e; for engine in $(ENGINES); do \
		WORLDS=$(N) $(BIN)/python -m pytest --engine=$$engine -q tests/reports/test_agreement.py tests/reports/test_scores_agree.py; done
	@echo "$(N) random worlds agree in every figure and $(N) in every score, on: $(ENGINES)"

# Every sheet and bulletin in both languages as pictures in var/pictures, looked at by a machine first; needs LibreOffice and poppler.
.PHONY: pictures
pictures: $(DEVELOPMENT)
	@$(BIN)/python -m tests.reports.pictures

# The stores that docs/sync.md prints for WatermelonDB and RxDB; needs Node and the npm registry.
.PHONY: stores
stores: $(DEVELOPMENT)
	@mkdir -p var/stores && cp tests/sync/stores/package.json var/stores/ && npm install --prefix var/stores --silent --no-audit --no-fund
	$(BIN)/python -m tests.sync.stores.compare --modules=var/stores --worlds=20

serverkill: $(DEVELOPMENT)
	$(BIN)/python -m tests.sync.serverkills
