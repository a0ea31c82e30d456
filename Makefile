# make demo: install and run the whole study on sound that it makes itself
# make test: install and run the tests
# make lint: ruff, mypy, import-linter

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

.PHONY: demo test lint install lme4 clean

demo: $(INSTALLED)
	$(BIN)/study demo demo

test: $(INSTALLED) lme4
	$(BIN)/pytest

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

install: $(INSTALLED)

# Exact versions from constraints.txt; pyproject.toml has the ranges.
$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || \
	  { echo "this needs Python 3.11, and $(PYTHON) is another: make PYTHON=/path/to/python3.11"; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	touch $@

# R with lme4, for the tests that fit the same models there; without it they are skipped by name.
lme4:
	@sh tests/install_lme4.sh

clean:
	rm -rf $(VENV) demo
