# The commands of this repository. `make demo` and `make test` need nothing but Python >= 3.10 and a network for the first time.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help setup demo test check bench clean

help: ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 10

$(BIN)/.runtime: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e .
	@touch $@

$(BIN)/.dev: $(BIN)/.runtime
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@

setup: $(BIN)/.runtime ## virtual environment, runtime packages (no torch), verified default models
	$(BIN)/assistant models pull

demo: setup ## three spoken requests through the whole assistant
	$(BIN)/assistant demo

test: $(BIN)/.dev ## all tests, on the real default models
	$(BIN)/python -m pytest

check: $(BIN)/.dev ## formatting, lint, types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

bench: setup ## end of speech to first audible sample, right actions, memory
	$(BIN)/assistant bench latency

clean: ## remove the virtual environment and caches
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache demo-output
