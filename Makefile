# Targets that set up what they need. `make help` lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
WORKERS ?= 2

.PHONY: help install install-dev app check test prove bench pretrained clean

help:  ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/ -/' | sort

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; this is %d.%d. Try: make PYTHON=python3.12" % sys.version_info[:2])'
	$(PYTHON) -m venv $(VENV)

# A stamp beside the environment says for which requirements it was installed, so a second call does nothing.
$(VENV)/.installed: requirements.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet -r requirements.txt
	$(BIN)/python -m pip install --quiet --no-deps --editable .
	@touch $@

$(VENV)/.installed-dev: requirements.txt requirements-dev.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet -r requirements-dev.txt
	$(BIN)/python -m pip install --quiet --no-deps --editable .
	@touch $(VENV)/.installed $@

install: $(VENV)/.installed  ## virtual environment and dependencies

install-dev: $(VENV)/.installed-dev  ## the same, with what tests and lint need

app: install  ## open the app on the embedded results
	$(BIN)/python -m landscape app

check: install-dev  ## format, lint, types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/basedpyright

test: install-dev  ## every test but the longer proofs
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m "not prove" -n $(WORKERS) --dist loadgroup

prove: install-dev  ## the longer proofs: kill tests, training claims, pretrained results computed again
	$(BIN)/python -m pytest -m prove

bench: install-dev  ## benchmarks; records go to benchmarks/records
	$(BIN)/python -m benchmarks

pretrained: install  ## train, compute and draw everything in pretrained/ again
	$(BIN)/python -m landscape pretrained

clean:  ## remove the virtual environment and caches
	rm -rf $(VENV) .pytest_cache .ruff_cache .hypothesis
