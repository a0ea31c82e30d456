# make demo: install and run the whole study on sound that it makes itself
# make test: install and run the tests
# make lint: ruff, mypy, import-linter

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
LME4 := .venv-lme4

.PHONY: demo test lint install lme4 browser clean

demo: $(INSTALLED)
	$(BIN)/study demo demo

test: $(INSTALLED) lme4 browser
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 --dist loadfile
	@if [ -e $(LME4)/.installed ]; then $(LME4)/bin/pytest tests/analysis/fitting/test_lme4.py; \
	  else echo "left out: tests/analysis/fitting/test_lme4.py, for pymer4 with R is not installed (make lme4)"; fi

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

# R with lme4, and pymer4 in an environment of its own, for its pins exclude the main one's; what cannot be had is said.
lme4:
	@sh tests/install_lme4.sh $(PYTHON) $(LME4)

# Chromium, for the test that looks at the report in a browser.
browser:
	@sh tests/install_chromium.sh

clean:
	rm -rf $(VENV) $(LME4) demo
