# alpineiq-to-pipedrive. `make` lists what there is.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# one environment per lock file and interpreter: the stamp is made last
STAMP := $(VENV)/.built-from-$(shell cat requirements.lock pyproject.toml 2>/dev/null | cksum | cut -d' ' -f1)
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check --no-input

# the tests and the demo start hundreds of processes: without bytecode each compiles its libraries
# anew, half a second to a second of processor. It is kept with the environment, not beside sources
unexport PYTHONDONTWRITEBYTECODE
export PYTHONPYCACHEPREFIX := $(CURDIR)/$(VENV)/bytecode

.DEFAULT_GOAL := help
.PHONY: help env demo test test-long lint format docs samples site bench lock clean

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

env: $(STAMP) ## the virtual environment in .venv, from the hash-locked requirements

$(STAMP): requirements.lock pyproject.toml
	@echo "building the environment in $(VENV) (once per lock file) ..."
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: make PYTHON=python3.11 ..."; exit 2; }
	@rm -f $(VENV)/.built-from-*
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(PIP) install --require-hashes --no-deps --no-compile -r requirements.lock
	@$(PIP) install --no-deps --no-build-isolation --no-compile -e .
	@touch $@

demo: env ## the whole migration on local servers: generated account to report
	@$(BIN)/aiq2pd demo $(ARGS)

test: env ## dbt build with all tests, pytest, sqlfluff, ruff, types; a table of times at the end
	@$(BIN)/python .ci/checks.py

test-long: env ## campaigns that take longer
	@$(BIN)/python -m pytest -m long --timeout 14400

lint: env ## sqlfluff, ruff, types
	@$(BIN)/python .ci/checks.py sql style types

format: env ## put SQL and Python in shape
	@$(BIN)/ruff check --fix --quiet . ; $(BIN)/ruff format --quiet .
	@$(BIN)/sqlfluff fix --quiet models tests/dbt macros

docs: env ## the generated pages
	@$(BIN)/python -m migrate.manual docs/cli.md
	@$(BIN)/python -m migrate.documents.fields_page models/marts/_fields.md
	@$(BIN)/python -m migrate.mapping_page docs/mapping.md
	@$(BIN)/python -m migrate.error_manual docs/errors.md

samples: env ## docs/sample-diffs.md: what the diff says about the sample pull requests (minutes)
	@$(BIN)/python -m migrate.diff.samples docs/sample-diffs.md

site: env docs ## docs/ as pages in site/ that open offline
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict

bench: env ## measure, and rewrite docs/benchmarks.md; ARGS="--size 100000", ARGS="landing"
	@$(BIN)/python -m bench $(ARGS)

lock: ## requirements.in to requirements.lock, with hashes and no index address (needs uv)
	@uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11 requirements.in -o requirements.lock

clean: ## everything that can be made again; data/ and .venv stay
	@rm -rf target logs .mypy_cache .ruff_cache .pytest_cache .hypothesis
	@find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +
