# make demo: install and run the whole study on sound that it makes itself
# make test: install and run the tests
# make lint: ruff, mypy, import-linter
# make test-base: the tests of the study file, design and analysis in a base install, without torch and Ray (Python 3.12)
# make test-newest: the fast tests of the study file, sound, labels, training and targets on Python 3.13, without Ray
# make coverage: which lines the tests run

PYTHON ?= $(shell sh tests/find_python.sh 3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
LME4 := .venv-lme4
BASE := .venv-base
NEWEST := .venv-newest
PIP := -m pip install --quiet --disable-pip-version-check

.PHONY: demo test lint install lme4 browser test-base test-newest coverage clean

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
	  { echo "constraints.txt is for Python 3.11, and $(PYTHON) is another: make PYTHON=/path/to/python3.11"; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python $(PIP) --constraint constraints.txt --editable '.[dev]'
	touch $@

# R with lme4, and pymer4 in an environment of its own, for its pins exclude the main one's; what cannot be had is said.
lme4:
	@sh tests/install_lme4.sh $(PYTHON) $(LME4)

# Chromium, for the test that looks at the report in a browser.
browser:
	@sh tests/install_chromium.sh

test-base:
	@python=$$(sh tests/find_python.sh 3.12) || { echo "left out: the base install's tests, for there is no Python 3.12"; exit 0; }; \
	set -e; test -x $(BASE)/bin/python || $$python -m venv $(BASE); \
	$(BASE)/bin/python $(PIP) --editable '.[test]'; \
	OMP_NUM_THREADS=1 $(BASE)/bin/pytest -n 2 --dist loadfile -m "not browser" tests/study/core tests/design tests/analysis

test-newest:
	@python=$$(sh tests/find_python.sh 3.13) || { echo "left out: the tests on Python 3.13, for there is none"; exit 0; }; \
	set -e; test -x $(NEWEST)/bin/python || $$python -m venv $(NEWEST); \
	$(NEWEST)/bin/python $(PIP) --editable '.[train,test]'; \
	OMP_NUM_THREADS=1 $(NEWEST)/bin/pytest -n 2 --dist loadfile -m "not ray and not slow" tests/study tests/jobs

coverage: $(INSTALLED)
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 --dist loadfile --cov --cov-report term --cov-report html

clean:
	rm -rf $(VENV) $(LME4) $(BASE) $(NEWEST) demo
