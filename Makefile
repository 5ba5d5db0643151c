# make demo, make test, make lint, make bench: each first installs what it needs into .venv.
# Assumes Python 3.11 or newer and make; another Python: make PYTHON=/path/to/python3.12

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install -qq --constraint constraints.txt
.DELETE_ON_ERROR:
.PHONY: help setup demo test lint bench

help:
	@echo "make demo    train teams at 0, 1, 2 and 3 bits and draw their reward beside the exact limit"
	@echo "make test    the tests"
	@echo "make lint    ruff, mypy, import-linter"
	@echo "make bench   games a second, beside other libraries"
	@echo "make setup   only install, into .venv"

setup: .venv/setup.stamp

demo: .venv/setup.stamp
	$(BIN)/commenv frontier messaging/referential-v0 --bits 0,1,2,3

test: .venv/setup.stamp
	$(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder

lint: .venv/lint.stamp
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: .venv/bench.stamp
	$(BIN)/commenv bench simulation

# pip comes last when a venv is made: without it the venv is half made, and is made again.
$(BIN)/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	{ echo "commenv needs Python 3.11 or newer, which '$(PYTHON)' is not: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	$(PYTHON) -m venv .venv

# torch goes first and alone: left to a range, pip may fetch gigabytes of CUDA for a newer one.
.venv/setup.stamp: pyproject.toml constraints.txt | $(BIN)/pip
	@echo "Installing commenv, torch and ray into .venv: this takes a few minutes once."
	$(PIP) torch
	$(PIP) --editable '.[train,test]'
	@touch $@

.venv/lint.stamp .venv/bench.stamp .venv/peers.stamp .venv/torchrl.stamp .venv/sb3.stamp .venv/info.stamp: .venv/%.stamp: .venv/setup.stamp
	$(PIP) --editable '.[$*]'
	@touch $@
