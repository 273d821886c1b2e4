# Every verb works from a fresh clone: .venv makes itself, and again when what it is made from changes.
# ARGS adds words to run, test, faults, soak, mutants, bench, bench-ingest, bench-lifecycle, bench-verify and
# lock: make test ARGS="-k sweep"

VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
PYTHON ?=
ARGS   ?=
CODE   := $(wildcard records audit runtime service worker local cli tests benchmarks)
PIP    := $(BIN)/python -m pip --disable-pip-version-check install --quiet
LOCK   := $(BIN)/uv pip compile pyproject.toml --quiet --universal --python-version 3.11 --generate-hashes \
          --no-header --no-annotate --no-emit-index-url $(ARGS)

# Asked by running it: a name on PATH may be a shim with nothing behind it, and Debian splits off ensurepip.
FITS        := import ensurepip, sys, venv; sys.exit(not (3, 11) <= sys.version_info < (3, 15))
FIND_PYTHON  = for name in $(or $(PYTHON),python3 python3.14 python3.13 python3.12 python3.11); do \
                 if "$$name" -c '$(FITS)' 2>/dev/null; then echo "$$name"; break; fi; done

.DEFAULT_GOAL := help
.PHONY: help install run test faults soak mutants bench bench-ingest bench-lifecycle bench-verify lint types format docs lock compose-env clean

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(STAMP)  ## make .venv (PYTHON=/path/to/python3.12 chooses the Python)

$(STAMP): requirements/dev.txt pyproject.toml
	@$(BIN)/python -c 'import pip; $(FITS)' 2>/dev/null || { \
	  python=$$($(FIND_PYTHON)); \
	  if [ -z "$$python" ]; then \
	    echo "Order Records needs Python 3.11 to 3.14 with venv, and found none as:" \
	      "$(or $(PYTHON),python3 python3.14 python3.13 python3.12 python3.11)." \
	      "Name one: make install PYTHON=/path/to/python3.13" >&2; \
	    exit 1; \
	  fi; \
	  echo "Making $(VENV) with $$("$$python" --version)"; \
	  "$$python" -m venv --clear $(VENV); }
	@echo "Installing what requirements/dev.txt lists"
	@$(PIP) --require-hashes -r requirements/dev.txt
	@$(PIP) --no-deps --no-build-isolation -e .
	@touch $@

run: $(STAMP)  ## everything on this machine, with sample orders and short days
	@if [ "$$CI" = true ] || [ ! -t 1 ]; then set -- --for 60; else set --; fi; \
	exec $(BIN)/order-records dev "$$@" $(ARGS)

test: $(STAMP)  ## unit, contract and integration tests
	@$(BIN)/pytest -m "not faults and not soak" $(ARGS)

faults: $(STAMP)  ## the long fault matrix
	@$(BIN)/pytest -m faults $(ARGS)

soak: $(STAMP)  ## long runs under load: a thousand examples of each API call, minutes of random kills
	@$(BIN)/pytest -m soak $(ARGS)

mutants: $(STAMP)  ## break a copy of the code on purpose, each way in turn, and show which test notices
	@$(BIN)/python -m tests.mutants.run $(ARGS)

bench: $(STAMP)  ## the REST API under wrk, against bare FastAPI routes (docs/performance.md)
	@$(BIN)/python -m benchmarks.api $(ARGS)

bench-ingest: $(STAMP)  ## consume against Kafka Connect and others (docs/performance.md; needs Java and Maven)
	@$(BIN)/python -m benchmarks.ingest $(ARGS)

bench-lifecycle: $(STAMP)  ## sweeps and relay against bare statements and a TTL index (docs/performance.md)
	@$(BIN)/python -m benchmarks.lifecycle $(ARGS)

bench-verify: $(STAMP)  ## audit verify and the notary over a million events (docs/performance.md)
	@$(BIN)/python -m benchmarks.verify $(ARGS)

lint: $(STAMP)  ## style, import arrows, Dockerfile, compose file, manifests
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports --no-logo
	@deploy/check.sh

# Full names for tests too (tests.unit.test_x): two folders may hold a file of one name.
types: $(STAMP)  ## mypy --strict
	@$(BIN)/mypy --explicit-package-bases $(CODE)

format: $(STAMP)  ## put code in shape
	@$(BIN)/ruff check --fix-only .
	@$(BIN)/ruff format .

docs: $(STAMP)  ## write what is generated below docs/ anew: settings page, schemas, AsyncAPI document
	@$(BIN)/python -m cli.pages

# Not pinned: uv runs nothing here, it writes files whose every change is read before it lands.
$(BIN)/uv: $(STAMP)
	@$(PIP) uv

# dev.txt leads, so that the image runs the very versions that were tested.
lock: $(BIN)/uv  ## write requirements/*.txt anew (newer versions: ARGS=--upgrade)
	@$(LOCK) --extra local --extra motor --group dev -o requirements/dev.txt
	@$(LOCK) --constraint requirements/dev.txt --extra local -o requirements/local.txt
	@$(LOCK) --constraint requirements/dev.txt -o requirements/runtime.txt

compose-env: $(STAMP)  ## write the secrets that .env lacks for docker compose; those that are there are kept
	@$(BIN)/order-records keys --compose-env .env

clean:  ## remove .venv and caches (.env stays: its keys belong to stored data)
	@rm -rf $(VENV) build *.egg-info .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
