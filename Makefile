# Every target sets up .venv by itself; the first needs Python 3.11 or later, make and the package registry.
.PHONY: setup extras report test test-fast lab check bench lock clean
.DEFAULT_GOAL := report

# The first Python on the path that is recent enough.
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
  $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$python; break; }; done)
BIN := .venv/bin
SAMPLE ?= demo
PARAMS ?= params/$(SAMPLE).yml
PERIOD ?= $(if $(filter cdnow,$(SAMPLE)),1997Q4,2026Q3)
LANGUAGE ?= both

setup: .venv/.ready data/demo/truth.json data/cdnow/orders.csv  ## an environment with exact versions, and the samples

.venv/.ready: requirements.lock pyproject.toml
	@[ -n "$(PYTHON)" ] || { echo "Python 3.11 or later is needed; say where it is: make PYTHON=/path/to/python3"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

extras: setup .venv/.extras  ## what is optional: Spark (needs Java 17) and compiled model fits

.venv/.extras: requirements-extras.lock | .venv/.ready
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-extras.lock
	@touch $@

data/cdnow/orders.csv: | .venv/.ready
	$(BIN)/workbook sample cdnow

data/demo/truth.json: | .venv/.ready
	$(BIN)/workbook sample demo

report: setup  ## render a report: make report [SAMPLE=cdnow | PARAMS=params/mine.yml PERIOD=2026Q3] [LANGUAGE=en]
	$(BIN)/workbook run --params $(PARAMS) --period $(PERIOD) --language $(LANGUAGE)

test: setup  ## every test
	$(BIN)/python -m pytest -n auto --dist loadfile

test-fast: setup  ## the tests that take seconds
	$(BIN)/python -m pytest -n auto --dist loadfile -m "not slow"

lab: setup  ## JupyterLab on the start notebook, with the demo company ready
	$(BIN)/jupyter lab --notebook-dir=. notebooks/00_start.ipynb

check: setup  ## style, import contract, notebook rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -q -m "not slow" tests/notebooks tests/test_repository.py

bench: setup  ## speed and memory against named rivals
	$(BIN)/python benchmarks/run.py

LOCK := $(BIN)/uv pip compile --universal --python-version 3.11 --no-emit-index-url --generate-hashes --no-header --quiet

lock:  ## write the lock files anew from pyproject.toml
	$(LOCK) pyproject.toml --extra dev -o requirements.lock
	$(BIN)/python -c "import tomllib; from pathlib import Path; \
	  extras = tomllib.loads(Path('pyproject.toml').read_text())['project']['optional-dependencies']; \
	  print(*extras['spark'], *extras['speed'], sep='\n')" | $(LOCK) - --constraint requirements.lock -o requirements-extras.lock

clean:  ## remove what was generated; the reports stay
	rm -rf .venv data/.prepared data/cdnow data/demo .pytest_cache .ruff_cache .import_linter_cache
