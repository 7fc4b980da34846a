# Commands of the project. `make run` and `make test` need nothing but Python and this folder.
# Written for GNU make 3.81 (macOS) and later.

PY  := .venv/bin/python
DEV := $(PY) -m svoykrug.dev
UV  := $(PY) -m uv
# pytest gets its processes from here: one a core, four at most. Evaluated when used.
WORKERS = $(shell n=$$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2); [ $$n -gt 4 ] && n=4; echo $$n)
COMPILE = $(UV) pip compile --quiet --universal --python-version 3.12 --generate-hashes $(ARGS)

.DEFAULT_GOAL := help
.PHONY: help setup clients run serve drill stop test lint check proof coverage audit schema texts bench soak cdnow lock clean distclean

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

setup: ## make .venv and install the locked packages (run and test do it themselves)
	@sh svoykrug/dev/setup.sh

run: setup ## everything with demo data at http://127.0.0.1:8000 until Ctrl-C; PORT=8001 for another port
	@$(DEV) run

# On loopback there is no proxy that ends TLS: the redirect to HTTPS is off, all else is production.
serve: setup ## the production processes on the embedded servers, DEBUG off, no demo; PORT=8001
	@ENVIRONMENT=production SECURE_SSL_REDIRECT=off $(DEV) run

drill: setup ## back up the data of `make run` and restore the copy into an empty place, timed
	@$(DEV) exec --profile run -- $(PY) -m svoykrug.dev.drill

stop: setup ## stop a run in another terminal, and the servers
	@$(DEV) down

test: setup ## fast tests on servers of their own; ARGS="tests/loyalty -k spend -x"
	@$(DEV) exec --profile test -- pytest -n $(WORKERS) --dist loadgroup $(ARGS)

lint: setup ## style, types, import rules, migrations, deploy files
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(DEV) exec --profile test --no-servers -- mypy
	@.venv/bin/lint-imports
	@$(DEV) exec --profile test --no-servers -- python -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run
	@$(DEV) exec --profile test -- $(PY) -W ignore -m tests.lint_migrations
	@.venv/bin/hadolint Dockerfile
	@.venv/bin/check-jsonschema --quiet --builtin-schema vendor.compose-spec docker-compose.yml

clients: setup .venv-clients/.set-up ## public clients of other systems, in an environment of their own, for check

.venv-clients/.set-up: requirements/clients.txt
	@echo "setup: public clients → .venv-clients"
	@$(UV) venv --quiet --clear --no-project --python $(PY) .venv-clients && \
	  $(PY) -m pip --disable-pip-version-check --python .venv-clients/bin/python \
	  install -qq --require-hashes -r requirements/clients.txt && touch $@ || \
	  { rm -rf .venv-clients; echo "!!! NO PUBLIC CLIENTS: their tests will be skipped !!!"; }

audit: setup ## known faults of dependencies, secrets in the code, bill of materials (.run/sbom.json)
	@[ -e .venv-audit/.set-up ] && [ .venv-audit/.set-up -nt requirements/audit.txt ] || \
	  { echo "setup: audit tools → .venv-audit"; \
	    $(UV) venv --quiet --clear --no-project --python $(PY) .venv-audit && \
	    $(PY) -m pip --disable-pip-version-check --python .venv-audit/bin/python \
	    install -qq --require-hashes -r requirements/audit.txt && touch .venv-audit/.set-up; } || \
	  rm -rf .venv-audit
	@$(PY) -m svoykrug.dev.audit

check: clients ## long proofs: races, histories of the ledger, kill -9, public clients
	@$(DEV) exec --profile test -- pytest -m slow -n $(WORKERS) --dist loadgroup $(ARGS)

proof: setup ## run what docs/proof.md names and is not proven yet, write it; FAULT_RUNS=1 is short
	@$(DEV) exec --profile test -- $(PY) -m tests.proof $(ARGS)

coverage: setup ## fast tests with coverage by line and branch; ledger, rights and sign-in must be whole
	@$(DEV) exec --profile test -- pytest -n $(WORKERS) --dist loadgroup --cov --cov-report= $(ARGS)
	@$(PY) -m svoykrug.dev.coverage

schema: setup ## write docs/openapi.yaml anew from the code
	@$(DEV) exec --profile test --no-servers -- $(PY) -W ignore manage.py spectacular --file docs/openapi.yaml

texts: ## compile every Russian catalogue (needs gettext)
	@find locale apps -name '*.po' | while read po; do msgfmt --check-format -o "$${po%.po}.mo" "$$po" || exit 1; done

soak: setup ## a third of the machine's most for SOAK_MINUTES (30): memory flat, queues short
	@$(DEV) exec --profile test -- pytest -m soak -s -n 0 tests/bench/test_soak.py

bench: setup ## measurements, one at a time
	@$(DEV) exec --profile test -- pytest -m bench -s -n 0 $(ARGS)

cdnow: setup ## import 6,919 real purchases (CDNOW) into a partner of their own and compare all stores
	@$(PY) -m tests.data.cdnow
	@$(DEV) exec --profile run -- sh -c '\
	  $(PY) manage.py migrate --noinput -v0 && $(PY) manage.py migrate_clickhouse && \
	  $(PY) manage.py open_business cdnow --name CDNOW --category cosmetics && \
	  $(PY) manage.py import_purchases .run/cdnow/cdnow_sample.csv --business cdnow && \
	  $(PY) manage.py compare_purchases .run/cdnow/cdnow_sample.csv --business cdnow'

# local.txt comes first and holds the versions of the other two: a server runs what was tested.
lock: setup ## write requirements/*.txt anew from *.in; ARGS=--upgrade takes new versions
	@$(COMPILE) requirements/local.in -o requirements/local.txt
	@$(COMPILE) requirements/production.in -c requirements/local.txt -o requirements/production.txt
	@$(COMPILE) requirements/base.in -c requirements/local.txt -o requirements/base.txt
	@$(COMPILE) requirements/clients.in -o requirements/clients.txt
	@$(COMPILE) requirements/audit.in -o requirements/audit.txt
	@echo uv | $(COMPILE) --no-annotate --custom-compile-command "make lock" - -o requirements/uv.txt

clean: ## stop everything of this checkout, delete its data and caches (.venv stays)
	@if $(PY) -c "import svoykrug.dev.embedded" 2>/dev/null; then $(DEV) clean; else rm -rf .run; fi
	@rm -rf .pytest_cache .ruff_cache .mypy_cache .import_linter_cache .hypothesis .coverage htmlcov
	@find . -name __pycache__ -type d -not -path './.venv*/*' -prune -exec rm -rf {} +

distclean: clean ## clean, and delete the environments too
	@rm -rf .venv .venv-clients .venv-audit
