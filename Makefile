# Every target works in a fresh clone: Python >= 3.10, a C++ compiler and git are enough.
# make setup | demo | docs | notebooks | test | test-all | lint | check-cuda | bench | gpu
# make reproduce | wheels | check-wheels TORCH=2.10.0 | check-lowest | clean | distclean
# make reliability | coverage | mutation | test-orders

PYTHON  ?= python3
VENV    ?= .venv
WORKERS ?= 2
DEMO    ?= --report runs/demo/report.html
REPRODUCE ?= --quick
COVERED ?= 99
MUTATION ?=
TORCH   ?= $(shell sed -n 's/^torch==//p' constraints.txt)

BIN    := $(VENV)/bin
PY     := $(BIN)/python
PIP    := $(PY) -m pip --disable-pip-version-check --no-input
STAMPS := $(VENV)/stamps
# One folder on the path, which type checkers and editors follow; an import hook, which setuptools
# makes otherwise, they do not.
EDITABLE := --no-build-isolation --config-settings editable_mode=compat -e

# One thread per worker: the workers share the cores; who has run out of tests takes from the other.
PYTEST    := OMP_NUM_THREADS=1 $(PY) -m pytest -q -n $(WORKERS) --dist worksteal
OPS_TESTS := $(wildcard tests/ops tests/contrastive tests/embed tests/hyper tests/tag/graphclip tests/tag/tape)

MODEL_FILES  := $(shell find models -type f -not -path '*/build/*' -not -path '*.egg-info/*')
KERNEL_FILES := $(wildcard cuda_ops/setup.py cuda_ops/pyproject.toml cuda_ops/MANIFEST.in \
    cuda_ops/graphlab_cuda_ops/*.py cuda_ops/csrc/* cuda_ops/csrc/*/*)

# torch looks for ninja on the path when it builds the kernels.
export PATH := $(CURDIR)/$(BIN):$(PATH)
export PIP_ROOT_USER_ACTION := ignore
export MAX_JOBS ?= 2

.NOTPARALLEL:
.DELETE_ON_ERROR:
.PHONY: setup demo docs notebooks test test-all test-fast test-pure lint check-cuda bench gpu \
    reproduce wheels check-wheels check-lowest reliability coverage mutation test-orders \
    clean distclean help

help:
	@sed -n '1,4s/^# //p' Makefile

setup: $(STAMPS)/kernels $(STAMPS)/models

$(STAMPS)/venv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || \
	    { echo "graphlab needs Python 3.10 or later; set PYTHON=..." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@mkdir -p $(STAMPS)
	@touch $@

# torch comes first, alone: the kernels are built against it, without build isolation.
$(STAMPS)/torch: constraints.txt | $(STAMPS)/venv
	$(PIP) install -q -c constraints.txt torch setuptools wheel ninja
	@touch $@

$(STAMPS)/graphlab: pyproject.toml constraints.txt $(STAMPS)/torch
	$(PIP) install -q -c constraints.txt $(EDITABLE) '.[test,viz,experiments]'
	@touch $@

$(STAMPS)/kernels: $(KERNEL_FILES) $(STAMPS)/torch $(STAMPS)/graphlab
	$(PIP) install -q --no-build-isolation --no-deps --force-reinstall ./cuda_ops
	@touch $@

# Weights that are read by their names; a package of files, which needs nothing.
$(STAMPS)/models: $(MODEL_FILES) $(STAMPS)/torch
	$(PIP) install -q --no-build-isolation --no-deps --force-reinstall ./models
	@touch $@

demo: setup
	$(PY) -m experiments.demo $(DEMO)

docs: $(STAMPS)/docs
	$(PY) -m sphinx -W --keep-going -q -b html docs build/docs
	@echo "build/docs/index.html"

# From the scripts beside them, run from top to bottom; only measured times should change.
notebooks: setup
	$(PY) notebooks/build.py

$(STAMPS)/docs: pyproject.toml constraints.txt $(STAMPS)/kernels
	$(PIP) install -q -c constraints.txt $(EDITABLE) '.[docs]'
	@touch $@

test: setup lint check-cuda test-fast test-pure

test-all: setup lint check-cuda test-pure
	$(PYTEST)

test-fast: setup
	$(PYTEST) -m "not slow"

# What stands on operators once more without the kernels: both paths pass the same tests.
test-pure: setup
	GRAPHLAB_DISABLE_KERNELS=1 $(PYTEST) -m "not slow" $(OPS_TESTS)

# The figures of docs/reliability.md that are measured in less than an hour together.
reliability: setup lint coverage test-pure
	$(MAKE) mutation MUTATION="io download replies --sample 20"
	OMP_NUM_THREADS=1 $(PY) -m pytest -q tests/inputs tests/faults

# Lines and branches that the fast tests run, processes that they start included.
coverage: setup
	$(PYTEST) -m "not slow" --cov=graphlab --cov-branch --cov-report=term --cov-fail-under=$(COVERED)

# Small mistakes, one at a time: do the tests notice?
mutation: setup
	OMP_NUM_THREADS=1 $(PY) -m tests.mutation $(MUTATION)

# The fast tests in five orders that are drawn anew.
test-orders: setup
	for seed in 1 2 3 4 5; do $(PYTEST) -m "not slow" -p tests.random_order --order-seed $$seed || exit 1; done

lint: setup
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	$(BIN)/lint-imports

check-cuda: setup
	@cd cuda_ops && "$(CURDIR)/$(PY)" setup.py -q check_cuda

bench: setup
	$(PY) -m benchmarks.pamc

# Builds, tests and measures the CUDA kernels; the interpreter of PYTHON needs a CUDA build of torch.
gpu:
	PYTHON=$(PYTHON) benchmarks/gpu_full.sh

# Repeats committed results; REPRODUCE=--full for all whose data is there.
reproduce: setup
	$(PY) -m experiments.reproduce $(REPRODUCE)

wheels: setup
	rm -rf dist
	$(PIP) wheel -q --no-build-isolation --no-deps -w dist . ./cuda_ops ./models
	$(PY) .ci/check_wheels.py dist

# Installs them beside a version of torch, in an environment that has nothing else.
check-wheels: wheels
	$(PY) .ci/check_wheels.py dist --torch $(TORCH)

# The same beside the lowest versions that pyproject.toml allows, and then the fast tests of what
# computes.
check-lowest: wheels
	$(PY) .ci/check_wheels.py dist --lowest

clean:
	rm -rf build dist graphlab.egg-info cuda_ops/build cuda_ops/dist \
	    cuda_ops/graphlab_cuda_ops.egg-info models/build models/graphlab_models.egg-info .mypy_cache .pytest_cache .ruff_cache \
	    .import_linter_cache .hypothesis .coverage
	find . -path ./$(VENV) -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +

distclean: clean
	rm -rf $(VENV)
