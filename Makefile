# Two commands: `make run` serves Hagaki, `make test` runs every test. Both do all set-up themselves.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: run test install dev lint bench soak screenshots translations clean

run: install ## set up and serve on http://127.0.0.1:8080
	@$(BIN)/hagaki serve

install: $(VENV)/installed ## prepare .venv with the hagaki command
$(VENV)/installed: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Hagaki needs Python 3.11 or newer")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e .
	@touch $@

dev: $(VENV)/developed ## also install what the tests need
$(VENV)/developed: pyproject.toml scripts/install-test-servers
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Hagaki needs Python 3.11 or newer")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@scripts/install-test-servers
	@touch $@ $(VENV)/installed

translations: dev ## compile the texts after a change
	$(BIN)/python -c 'from pathlib import Path; import hatch_build; hatch_build.compile_translations(Path("webapp/translations"))'

test: dev translations ## every test
	$(BIN)/python -m pytest

lint: dev
	$(BIN)/ruff format --check . && $(BIN)/ruff check . && $(BIN)/mypy

bench: dev ## ratios in one run
	$(BIN)/python scripts/bench.py

soak: dev translations ## the long figures
	$(BIN)/python -m pytest -m soak

screenshots: dev translations ## pictures of every page
	$(BIN)/python scripts/screenshots.py

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache dist build
