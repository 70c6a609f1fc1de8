# Two commands: `make run` serves Hagaki, `make test` runs every test. Both do all set-up themselves.
# They need Python 3.11 or newer and git; PYTHON=… chooses another interpreter than the first suitable one.
CANDIDATES := python3 python3.14 python3.13 python3.12 python3.11 python
SUITABLE = import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for p in $(CANDIDATES); do $$p -c '$(SUITABLE)' 2>/dev/null && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
# The interpreter's own link, not the activation scripts: it is what a half-made environment lacks.
MADE := $(BIN)/python
PO := $(wildcard webapp/translations/*/LC_MESSAGES/*.po)

.PHONY: help run test install dev lint bench soak screenshots translations lock clean
.DEFAULT_GOAL := help
.NOTPARALLEL:

help: ## this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

run: install translations ## set up and serve on http://127.0.0.1:8080
	@exec $(BIN)/hagaki serve

test: dev translations ## every test
	@$(BIN)/python -m pytest

install: $(VENV)/installed ## prepare .venv with the hagaki command
dev: $(VENV)/developed ## also install what the tests need

$(MADE):
	@test -n "$(PYTHON)" || { echo "Hagaki needs Python 3.11 or newer with venv (Debian: apt install python3-venv)." >&2; exit 1; }
	@echo "Making $(VENV) with $$($(PYTHON) --version)" >&2
	@$(PYTHON) -m venv $(VENV)

# A marker file is newer than pyproject.toml only after pip has succeeded, so an interrupted run starts over.
$(VENV)/installed: pyproject.toml hatch_build.py | $(MADE)
	@echo "Installing Hagaki into $(VENV)" >&2
	@$(PIP) -e .
	@touch $@

$(VENV)/developed: pyproject.toml hatch_build.py scripts/install-test-servers | $(MADE)
	@echo "Installing Hagaki and what its tests need into $(VENV)" >&2
	@$(PIP) -e '.[dev]'
	@scripts/install-test-servers
	@touch $(VENV)/installed $@

translations: $(VENV)/translated ## compile the texts after a change
$(VENV)/translated: $(PO) | $(VENV)/installed
	@for po in $(PO); do $(BIN)/pybabel --quiet compile -i $$po -o $${po%.po}.mo || exit 1; done
	@touch $@

lint: dev ## format, lint and types
	@$(BIN)/ruff format --check . && $(BIN)/ruff check . && $(BIN)/mypy

bench: dev translations ## ratios in one run
	@$(BIN)/python scripts/bench.py

soak: dev translations ## the long figures
	@$(BIN)/python -m pytest -m soak

screenshots: dev translations ## pictures of every page, and the README's
	@$(BIN)/python scripts/screenshots.py

# For the image's Python; without the indexes, so that no host of one's own stands in the files.
LOCK = $(BIN)/uv pip compile --quiet --upgrade --no-config \
  --python-version 3.13 --python-platform x86_64-unknown-linux-gnu --generate-hashes --no-emit-index-url --no-annotate \
  --custom-compile-command 'make lock'
lock: install ## bring the image's requirements up to date
	@$(PIP) uv
	@$(LOCK) --extra granian --extra postgresql --extra redis pyproject.toml -o deploy/requirements.txt
	@$(BIN)/python -c "import tomllib; print(*tomllib.load(open('pyproject.toml', 'rb'))['build-system']['requires'], sep='\n')" \
	  | $(LOCK) - -o deploy/requirements-build.txt

clean: ## remove what can be made again; data/ stays
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache dist build
