# The two main commands are `make demo` and `make test`. Each command first makes its environments.
# All Python packages come from the requirements files, with versions and hashes. `make lock` writes these files.
PYTHON ?= python3
VENV := .venv
SERVER := .venv-triton
MLSERVER := .venv-mlserver
BIN := $(VENV)/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# These variables switch off the reporting of the tools to their makers.
export ORT_DISABLE_TELEMETRY := 1
export MLFLOW_DISABLE_TELEMETRY := true
export DO_NOT_TRACK := true
PINNED := --quiet --require-hashes --no-build-isolation --no-deps --requirement
LOCK = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
  --custom-compile-command 'make lock' $(UPGRADE)

.PHONY: demo test slow kills lint ui server mlserver install lock sbom browser nginx benchmarks clean

demo: install server
	$(BIN)/dnn-porting

# Three processes share the tests that measure nothing, as many of them wait. The others run one by one, and only their
# files are imported.
test: install server mlserver browser nginx lint
	OMP_NUM_THREADS=1 $(BIN)/pytest -m "not slow and not alone and not quiet" --numprocesses 3
	$(BIN)/pytest -m "not slow and (alone or quiet)" $$(grep -rlE 'mark\.(alone|quiet)' tests --include='test_*.py' | sort)

# The tests that take minutes: ten thousand hostile inputs, kills at delicate moments, searches for a throughput.
slow: install server
	$(BIN)/pytest -m slow

# Two hundred kills at random moments. After each kill the same command must give the same result.
kills: install
	$(BIN)/python scripts/kill_test.py --aimed

lint: install
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python scripts/code_metrics.py --check

ui: install
	$(BIN)/mlflow ui --backend-store-uri sqlite:///artifacts/mlflow.db --host 127.0.0.1

# A benchmark that cannot run here is left out, and the last line names it.
benchmarks: install server
	left=; for script in scripts/benchmark_*.py; do $(BIN)/python $$script || left="$$left $$script"; done; \
	  test -z "$$left" || { echo "left out, for the reasons above:$$left"; exit 1; }

install: $(VENV)/.installed
server: $(SERVER)/.installed
mlserver: $(MLSERVER)/.installed

# Pinned packages also build the package with source code. `pip check` finds a requirement that a file lacks.
$(VENV)/.installed: pyproject.toml requirements-build.txt requirements-all.txt
	$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 13) and "Python 3.11 or 3.12 is needed: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install $(PINNED) requirements-build.txt
	$(BIN)/pip install $(PINNED) requirements-all.txt
	$(BIN)/pip install --quiet --no-deps --no-build-isolation --editable .
	$(BIN)/pip check
	touch $@

# The server has an environment of its own, because its wheel would keep the whole project at numpy 1.
$(SERVER)/.installed: requirements-triton.txt
	$(PYTHON) -m venv $(SERVER)
	$(SERVER)/bin/pip install $(PINNED) requirements-triton.txt
	touch $@

# The tests use a second server of the V2 protocol.
$(MLSERVER)/.installed: requirements-mlserver.txt
	$(PYTHON) -m venv $(MLSERVER)
	$(MLSERVER)/bin/pip install $(PINNED) requirements-mlserver.txt
	$(MLSERVER)/bin/pip check
	touch $@

# A version stays while pyproject.toml allows it. `make lock UPGRADE=--upgrade` takes the newest versions.
lock: install
	$(LOCK) --group build --output-file requirements-build.txt
	$(LOCK) pyproject.toml --output-file requirements-plain.txt
	$(LOCK) pyproject.toml --extra porting --extra s3 --extra signing --extra dev --output-file requirements-all.txt
	$(LOCK) --group triton --no-deps --output-file requirements-triton.txt
	$(LOCK) --group mlserver --output-file requirements-mlserver.txt

# Bills of materials of a release, in CycloneDX: the plain install, the whole one, and the server.
SBOM := dist
RELEASED := plain all triton
sbom: install
	mkdir -p $(SBOM)
	for name in $(RELEASED); do \
	  $(BIN)/cyclonedx-py requirements requirements-$$name.txt --pyproject pyproject.toml --output-reproducible \
	    --output-file $(SBOM)/sbom-$$name.cdx.json || exit 1; done

# The browser tests need a Chromium: that of the system, else the package of Debian, else the download of Playwright.
browser: install
	command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null \
	  || (apt-get update -qq && apt-get install -y -qq chromium >/dev/null) \
	  || $(BIN)/playwright install --with-deps chromium

# Some tests balance requests over several servers. They are skipped without NGINX.
nginx:
	command -v nginx >/dev/null || test -x /usr/sbin/nginx \
	  || (apt-get update -qq && apt-get install -y -qq nginx-light >/dev/null) \
	  || echo "no NGINX here: the tests that need it are skipped"

clean:
	rm -rf $(VENV) $(SERVER) $(MLSERVER) .mypy_cache .ruff_cache .pytest_cache
