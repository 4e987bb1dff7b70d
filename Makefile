# What people and CI do with this repository. `make` lists it. Needs Python 3.11 or newer, git and make; nothing else.

PYTHON ?= python3
RECIPE ?= noisy_labels

.PHONY: help run notebooks lessons docs test test-all quick coverage selftest mutants fuzz lint workflows rehearse fix lab serve watch mlflow bench bench-serve reset clean lock
.DEFAULT_GOAL := help

help:
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s  %s\n", $$1, $$2 }' Makefile

run: .venv ## train a candidate, judge it, promote or reject it (RECIPE=noisy_labels SEVERITY=0.4)
	@.venv/bin/mlgate run --recipe $(RECIPE) $(if $(SEVERITY),--severity $(SEVERITY))

notebooks: .venv ## run every notebook once, in order
	@.venv/bin/mlgate run --every

docs: .venv ## build the site in site/: documents, notebooks with their outputs (runs them first, a few minutes)
	@.venv/bin/python docs/build.py $(ARGS)

test: .venv ## run all tests but those of `make selftest` and `make lessons` (ARGS="-k gate" picks some)
	.venv/bin/pytest -n 2 --dist loadfile --no-loadscope-reorder -m "not long" $(ARGS)

test-all: .venv ## run all tests
	.venv/bin/pytest -n 2 --dist loadfile --no-loadscope-reorder $(ARGS)

quick: .venv ## run the tests that take less than a minute together
	.venv/bin/pytest -n 2 --dist loadfile --no-loadscope-reorder -m "not slow and not long" $(ARGS)

coverage: .venv ## `make test`, and fail where it covers less of lib/ than pyproject.toml says
	.venv/bin/pytest -n 2 --dist loadfile --no-loadscope-reorder -m "not long" --cov --cov-report=term:skip-covered $(ARGS)

selftest: .venv ## test the gate itself: incidents, harmless candidates, equal models (kept in runs/ for this code)
	@.venv/bin/mlgate selftest $(ARGS)

lessons: .venv ## test the site, and that each lesson's solutions run and its tables are true (minutes)
	.venv/bin/pytest -n 2 --dist loadfile --no-loadscope-reorder -m long tests/test_site.py tests/notebooks tests/teaching $(ARGS)

mutants: .venv ## break the gate's code on purpose and see whether a test notices (ARGS="--sample 50")
	.venv/bin/python tools/mutants.py $(ARGS)

fuzz: .venv ## throw odd files, models, ledgers and requests at it, before a release (MINUTES=60)
	.venv/bin/python tools/fuzz.py $(MINUTES)

lint: .venv workflows ## check style, types, imports, workflow, spelling, and that notebooks carry no outputs (`make fix` fixes most)
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy
	.venv/bin/lint-imports --no-logo --no-cache
	.venv/bin/deptry lib
	.venv/bin/codespell $$(git ls-files '*.cff' '*.ipynb' '*.md' '*.py' '*.toml' '*.yaml' '*.yml' Makefile)
	$(if $(NOTEBOOKS),$(STRIP) --verify $(NOTEBOOKS))

rehearse: .venv ## run the CI workflow's own steps on this machine: a better model is pushed, and production moves
	.venv/bin/python .ci/rehearse.py

lab: .venv ## open the course map and the notebooks in JupyterLab (ARGS="--port 9000 --no-browser")
	.venv/bin/jupyter lab --LabApp.default_url=/lab/tree/notebooks/README.md --LabApp.app_settings_dir=notebooks/.lab \
	    $(if $(filter 0,$(shell id -u)),--allow-root) $(ARGS)

mlflow: .venv-beside/ready ## an environment of its own with MLflow and Dask, for `mlgate mlflow`, `--dask` and their tests
	@echo "Ready: .venv-beside/bin/mlgate mlflow judge --help, and .venv/bin/pytest -m long tests/registry tests/test_judge_parts.py"

.venv-beside/ready: pyproject.toml
	@$(PYTHON) -m venv .venv-beside
	@.venv-beside/bin/python -m pip install -qq --disable-pip-version-check --editable '.[mlflow,dask]'
	@touch $@

serve: .venv ## serve the production model on this machine (PORT=8000)
	.venv/bin/mlgate serve $(if $(PORT),--port $(PORT))

watch: .venv ## watch a service whose traffic drifts, with Prometheus where it is there (DRIFT=cut_short)
	.venv/bin/python deploy/show.py $(DRIFT)

bench: .venv ## measure how long a run and a verdict take
	.venv/bin/python benchmarks/bench_run.py
	.venv/bin/python benchmarks/bench_judge.py
	.venv/bin/python benchmarks/bench_size.py
	.venv/bin/python benchmarks/bench_fence.py
	.venv/bin/python benchmarks/bench_swap.py
	.venv/bin/python benchmarks/bench_watch.py
	.venv/bin/python benchmarks/bench_labels.py

bench-serve: .venv ## measure the service: against plain FastAPI and mlflow, with rows kept and without (wants wrk or hey; mlflow in a .venv of its own)
	.venv/bin/python benchmarks/bench_serve.py
	.venv/bin/python benchmarks/bench_keeping.py

reset: ## production as in the last commit, no candidate, no runs (notebooks and gate.toml stay)
	git restore --source=HEAD --staged --worktree artifacts_prod artifacts_candidate
	git clean -fdxq artifacts_prod artifacts_candidate runs
	@git diff --quiet HEAD -- notebooks gate.toml || echo "Your changes to notebooks/ or gate.toml are kept." \
	    "To undo them too: git restore --staged --worktree notebooks gate.toml"

clean: ## remove .venv, caches and runs
	rm -rf .venv .venv-beside .mlgate-cache runs site build lib/*.egg-info .pytest_cache .ruff_cache .mypy_cache .hypothesis .coverage
	find . \( -name __pycache__ -o -name .ipynb_checkpoints \) -prune -exec rm -rf {} +

# ---- for contributors: see CONTRIBUTING.md ----

NOTEBOOKS := $(wildcard notebooks/*.ipynb)
FORMS := $(filter-out %/config.yml, $(wildcard .github/ISSUE_TEMPLATE/*.yml))
CITATION := $(wildcard CITATION.cff)
ACTION := $(wildcard action.yml)
# what checks notebooks and schemas starts two seconds sooner
LEAN := PYTHONPATH=tools/lean
STRIP := $(LEAN) .venv/bin/nbstripout --keep-id --extra-keys metadata.language_info.version
SCHEMA := $(LEAN) .venv/bin/check-jsonschema

# All of them work without a network. actionlint would use whatever shellcheck the machine has: not locked, so left out.
workflows: .venv
	.venv/bin/zizmor --quiet --offline --pedantic .github $(ACTION)
	$(if $(ACTION),$(SCHEMA) --builtin-schema vendor.github-actions $(ACTION))
	$(SCHEMA) --builtin-schema vendor.github-workflows .github/workflows/*.yaml
	$(SCHEMA) --builtin-schema vendor.dependabot .github/dependabot.yml
	$(if $(FORMS),$(SCHEMA) --builtin-schema vendor.github-issue-forms $(FORMS))
	$(if $(CITATION),$(SCHEMA) --builtin-schema vendor.citation-file-format $(CITATION))
	.venv/bin/actionlint -shellcheck= -pyflakes= .github/workflows/*.yaml

fix: .venv
	$(if $(NOTEBOOKS),$(STRIP) $(NOTEBOOKS))
	.venv/bin/ruff check --fix --exit-zero --quiet >/dev/null
	.venv/bin/ruff format
	.venv/bin/python docs/imports.py
	.venv/bin/ruff check

# requirements.lock from pyproject.toml, then the same versions into constraints.txt and environment.yml (conda, Binder).
# What is locked stays as it is; UPGRADE=1 takes the newest. One version of each package for every Python and system
# (--fork-strategy fewest), because the versions are part of what makes a training reproducible.
lock:
	@$(PYTHON) -m venv .venv/uv && .venv/uv/bin/python -m pip install -qq --disable-pip-version-check uv
	.venv/uv/bin/uv pip compile pyproject.toml --quiet --extra workbook --extra dev --extra docs --universal --python-version 3.11 \
	    --fork-strategy fewest --generate-hashes --no-annotate --no-strip-extras --custom-compile-command "make lock" \
	    $(if $(UPGRADE),--upgrade) --output-file requirements.lock
	@{ echo "# requirements.lock without its hashes, for environment.yml. Written by make lock."; \
	   sed -n '/==/ { s/ *\\$$//; s/\[[a-z,-]*\]//; p }' requirements.lock; } > constraints.txt
	@awk 'NR == FNR { split($$1, pin, "=="); locked[pin[1]] = pin[2]; next } \
	      /^ +- [^ ]+==/ { split($$2, pin, "=="); comment = $$0; sub(/^[^#]*#/, "#", comment); \
	                       $$0 = sprintf("      - %-27s %s", pin[1] "==" locked[pin[1]], comment) } \
	      { print }' constraints.txt environment.yml > environment.tmp && mv environment.tmp environment.yml

# ---- setting up ----

# .venv holds what requirements.lock says and then mlgate itself: pip takes no editable install among hashes.
# READY is written last, so that an interrupted install starts afresh, and bears the folder's checksum, because a .venv
# that was moved or copied would run the code of its old place. A link goes first: what it points to is not ours to clear.
READY := .venv/ready-$(shell pwd | cksum | cut -d ' ' -f 1)

# MLGATE_VENV=DIR takes an environment that is there already, with this folder's code: the rehearsal's many fresh clones
# share one.
.PHONY: .venv FORCE
ifdef MLGATE_VENV
export PYTHONPATH := $(CURDIR)/lib
.venv:
	@test -L .venv || test ! -e .venv || { echo "Remove .venv first: MLGATE_VENV links one."; exit 1; }
	@ln -sfn "$(MLGATE_VENV)" .venv
else
.venv: $(READY)
endif

$(READY): requirements.lock pyproject.toml $(shell .venv/bin/python -c '' 2>/dev/null || echo FORCE)
	@$(PYTHON) -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	    echo "mlgate needs Python 3.11 or newer with its venv module, but $(PYTHON) is: $$($(PYTHON) --version 2>&1)." \
	         "Name another one, as in: make test PYTHON=python3.12 (on Debian: apt install python3-venv)"; exit 1; }
	@echo "Setting up .venv: a minute or two, once"
	@test ! -L .venv || rm .venv
	@test -f $@ && .venv/bin/python -c '' 2>/dev/null || $(PYTHON) -m venv --clear .venv
	@rm -f $@
	@.venv/bin/python -m pip install -qq --disable-pip-version-check --require-hashes -r requirements.lock
	@.venv/bin/python -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@.venv/bin/python -m compileall -q lib # as pip does for what is not editable
	@touch $@
