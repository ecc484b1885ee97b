# Both targets do all their own set-up on a clean machine: a virtual environment with pinned dependencies, then the job.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo test test-all docs wheel lock clean

demo: $(READY)  ## render, analyze, select, train, evaluate and report, on a planted truth: under ten minutes
	$(BIN)/closerlook demo --out demo

test: $(READY)  ## style, types and the test suite: under eight minutes on two cores
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -m "not extended"

test-all: test  ## that, and what takes longer: many kills, full disks, every export, other arithmetic
	$(BIN)/python -m pytest -m extended

docs: $(READY)  ## the pages of docs/ as a site in build/site, offline
	PATH="$(CURDIR)/$(BIN):$$PATH" NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --quiet

wheel: $(READY)  ## what would be published, in dist/: a source archive, and the wheel that is built from it
	$(BIN)/python -m build

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "closerlook needs Python 3.11 or newer; run: make PYTHON=/path/to/python3.11 ..."; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	@touch $@

lock:  ## pin what a fresh environment resolves to today
	rm -rf build/lock && $(PYTHON) -m venv build/lock
	build/lock/bin/python -m pip install --quiet '.[dev]'
	build/lock/bin/python -m pip freeze --exclude closerlook | sed 's/+cpu$$//' > requirements.lock

clean:
	rm -rf $(VENV) build demo dist
