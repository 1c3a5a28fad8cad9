# Each goal creates the virtual environment if it is missing, installs what changed, and runs.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
REPORT ?= report
WORKERS ?= auto
# one process a core, each with one thread of linear algebra
DISTRIBUTED := -n $(WORKERS) --maxschedchunk 1 --benchmark-disable
verify test thorough deep: export OPENBLAS_NUM_THREADS ?= 1

.PHONY: verify test thorough deep lint format benchmark mutants install clean

verify: $(STAMP)  ## every claim at depth normal, the digits, report/index.html
	$(BIN)/pytest $(DISTRIBUTED) --claim all --depth normal --dataset digits-4-9 --report=$(REPORT)

test: $(STAMP)  ## the project's own tests and every claim at depth quick; the command of CI
	$(BIN)/pytest $(DISTRIBUTED)

thorough: $(STAMP)  ## every claim and the digits at depth thorough
	$(BIN)/pytest $(DISTRIBUTED) --claim all --depth thorough --dataset digits-4-9 --report=$(REPORT)

deep: $(STAMP)  ## the wide sweeps of tests/deep: of each a sample runs by test
	$(BIN)/pytest $(DISTRIBUTED) tests/deep

lint: $(STAMP)  ## format, lint and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(STAMP)  ## put the sources into the format that lint asks for
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

benchmark: $(STAMP)  ## the benchmarks of tests/benchmarks, alone
	$(BIN)/pytest tests/benchmarks --benchmark-only

mutants: $(STAMP)  ## mutation testing of theory/
	$(BIN)/python tools/mutants.py

install: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --disable-pip-version-check --quiet -e ".[dev]" -c constraints.txt
	touch $@

clean:
	rm -rf $(REPORT) .pytest_cache .mypy_cache .ruff_cache .benchmarks .hypothesis
