# Each goal creates the virtual environment if it is missing, installs what changed, and runs.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
REPORT ?= report
WORKERS ?= auto
# one process a core, each with one thread of linear algebra
DISTRIBUTED := -n $(WORKERS) --maxschedchunk 1 --benchmark-disable
# of claims and data: the workers of EXECUTOR in their place, where it is given (docs/scale.md)
EXECUTOR ?=
SHARED := $(if $(EXECUTOR),--executor $(EXECUTOR),$(DISTRIBUTED))
verify test thorough deep lowest newest: export OPENBLAS_NUM_THREADS ?= 1
# memory of up to 32 MiB that an array frees stays with the process for the next one, up to 256 MiB of it: new pages from the system cost more
# than the arithmetic on them (glibc reads this, other libraries ignore it)
verify thorough: export MALLOC_MMAP_THRESHOLD_ ?= 33554432
verify thorough: export MALLOC_TRIM_THRESHOLD_ ?= 268435456
# without compiled modules on disk every process, of a worker and of a command that a test starts, compiles all of them again
unexport PYTHONDONTWRITEBYTECODE
# the versions that uv takes; of what is built from source, there being no wheel, a lower one is none
lowest: RESOLUTION := --resolution lowest-direct --no-build
newest: RESOLUTION := --upgrade

.PHONY: verify test thorough deep lowest newest lint format benchmark mutants faults install clean

verify: $(STAMP)  ## every claim at depth normal, the digits, report/index.html
	$(BIN)/pytest $(SHARED) --claim all --depth normal --dataset digits-4-9 --report=$(REPORT)

test: $(STAMP)  ## the project's own tests and every claim at depth quick; the command of CI
	$(BIN)/pytest $(DISTRIBUTED)

thorough: $(STAMP)  ## every claim and the digits at depth thorough; EXECUTOR=tcp://host:port for a cluster
	$(BIN)/pytest $(SHARED) --claim all --depth thorough --dataset digits-4-9 --report=$(REPORT)

deep: $(STAMP)  ## the wide sweeps of tests/deep, of which `make test` runs a sample
	$(BIN)/pytest $(DISTRIBUTED) tests/deep

lowest newest:  ## `make test` with the lowest or the newest versions that pyproject.toml allows, without constraints.txt
	$(PYTHON) -m venv --clear .venv-$@
	.venv-$@/bin/python -m pip install --disable-pip-version-check --quiet uv
	.venv-$@/bin/python -m uv pip install --python .venv-$@/bin/python $(RESOLUTION) -e ".[dev]"
	.venv-$@/bin/python -m pytest $(DISTRIBUTED)

lint: $(STAMP)  ## format, lint and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(STAMP)  ## put the sources into the format that lint asks for
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

benchmark: $(STAMP)  ## the benchmarks of tests/benchmarks, alone
	$(BIN)/pytest tests/benchmarks --benchmark-only

mutants: $(STAMP)  ## mutation testing of theory/, and a tenth of the sample of `make faults`
	$(BIN)/python tools/mutants.py
	$(BIN)/python tools/faults.py --sample 22

faults: $(STAMP)  ## semantic faults in theory/ and properties/, one at a time
	$(BIN)/python tools/faults.py

install: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --disable-pip-version-check --quiet -e ".[dev]" -c constraints.txt
	touch $@

clean:  ## a report under another name stays
	rm -rf report .pytest_cache .mypy_cache .ruff_cache .benchmarks .hypothesis
