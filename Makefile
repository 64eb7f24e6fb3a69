# Everything that is done here has a name here. `make` lists them.
#
# Needs Python 3.11 or newer and Node 20 or newer; the rest is installed into .venv and web/node_modules.
# What was done is remembered by stamps, so a second call is quick.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV   := .venv
BIN    := $(VENV)/bin
LOCK   := requirements/lock.txt
UI     := src/plainview/server/static/index.html

# Arguments for the thing that is run: `make test ARGS="-k spool"`, `make run ARGS="--port 8080"`.
ARGS ?=

export PIP_DISABLE_PIP_VERSION_CHECK := 1
export NO_MKDOCS_2_WARNING := 1
PIP := $(BIN)/python -m pip --quiet install --constraint $(LOCK)
NPM := npm --prefix web --no-audit --no-fund --no-update-notifier --loglevel=error

.DEFAULT_GOAL := help
.PHONY: help run ui test lint format docs bench lock build clean parts

help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(VENV)/.run $(UI) ## The demo: a small application, its faults and its screen (Ctrl-C ends it)
	@$(BIN)/plainview demo $(ARGS)

ui: $(UI) ## The screen, built from web/ into the package

test: lint parts $(UI) ## All checks: lint, types, the UI's tests, every test in Python
	@$(NPM) test
	@$(BIN)/python -m pytest -n $(or $(JOBS),2) --dist worksteal $(ARGS)

lint: $(VENV)/.dev web/node_modules/.installed ## Style, types, who may import whom; in Python and TypeScript
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache > $(VENV)/imports.txt || { cat $(VENV)/imports.txt; exit 1; }
	@$(NPM) run --silent lint

format: $(VENV)/.dev web/node_modules/.installed ## Bring the sources into form
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format .
	@$(NPM) run --silent format

docs: $(VENV)/.dev ## The documentation, into site/
	@$(BIN)/python docs/tables.py
	@$(BIN)/python -m mkdocs build --strict $(ARGS)

bench: $(VENV)/.bench ## Speed, side by side with others: a table, and JSON in bench/results/
	@$(BIN)/python -m bench $(ARGS)

lock: $(VENV)/.dev ## Choose the versions of everything anew (UPGRADE=1: the newest)
	@$(BIN)/python -m pip --quiet install uv
	@cd requirements && ../$(BIN)/uv pip compile ../pyproject.toml build.in --all-extras --universal \
		--python-version 3.11 --no-emit-index-url --no-emit-find-links --no-header --no-annotate \
		$(if $(UPGRADE),--upgrade) --quiet --output-file lock.txt
	@$(NPM) install --package-lock-only --omit-lockfile-registry-resolved $(if $(UPGRADE),&& $(NPM) update --package-lock-only)

build: $(VENV)/.dev $(UI) ## The wheel and the source archive, the built UI inside, into dist/
	@$(BIN)/python -m build --no-isolation --outdir dist $(ARGS) .

clean: ## Away with all that was made, the environment included
	@rm -rf $(VENV) web/node_modules src/plainview/server/static dist site build bench/results test-results \
		.mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Browsers, servers and tools that the tests drive, as Debian packages.
parts:
	@bash .ci/parts

$(VENV)/.created:
	@test -n "$(PYTHON)" && $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Plainview needs Python 3.11 or newer: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV)
	@touch $@

# The build's own tools come from the lock too, so that nothing is fetched behind its back.
$(VENV)/.tools: $(VENV)/.created requirements/build.in $(LOCK)
	@echo "installing: Python packages"
	@$(PIP) -r requirements/build.in
	@touch $@

$(VENV)/.run: $(VENV)/.tools pyproject.toml
	@$(PIP) --no-build-isolation --editable '.[demo]'
	@touch $@

$(VENV)/.dev: $(VENV)/.tools pyproject.toml
	@$(PIP) --no-build-isolation --editable '.[test,lint,docs]'
	@touch $@ $(VENV)/.run

$(VENV)/.bench: $(VENV)/.tools pyproject.toml
	@$(PIP) --no-build-isolation --editable '.[bench]'
	@touch $@

# Not `npm ci`: npm from 11.16 on refuses a lock where the registry at hand lacks an optional package of a foreign
# platform. `install --no-save` takes the same versions from the lock, and leaves the lock alone.
web/node_modules/.installed: web/package.json web/package-lock.json
	@node -e 'process.exit(Number.parseInt(process.versions.node) < 20 ? 1 : 0)' \
		|| { echo "Plainview's UI needs Node 20 or newer to be built" >&2; exit 1; }
	@echo "installing: npm packages"
	@$(NPM) install --no-save
	@touch $@

$(UI): web/node_modules/.installed web/index.html web/vite.config.ts web/tsconfig.json $(shell find web/src web/public -type f 2> /dev/null)
	@$(NPM) run --silent build -- --logLevel warn
	@touch $@
