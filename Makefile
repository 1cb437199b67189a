# Everything a developer does here. `make` alone lists it.

PYTHON ?= python3
BIN := .venv/bin

# More for pytest, for example: make test-sqlite PYTEST_ARGS="tests/rooms -k doors -n 0"
PYTEST_ARGS ?=
# Many tests wait (for a slow server, a closing socket), few compute: one process more than there are cores.
WORKERS ?= $(shell $(PYTHON) -c "import os; print(min(8, (os.cpu_count() or 1) + 1))")
PYTEST := $(BIN)/python -m pytest --dist loadgroup

# Checks import the settings as production does; none of these values opens anything.
PRODUCTION_LIKE := \
	SECRET_KEY=check-only-0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJKLMNOPQRSTUVWXYZ \
	PUBLIC_URL=https://foyer.example.edu \
	EMAIL_URL=smtp://mail.example.edu:25 \
	KEYS_DIR=keys

.DEFAULT_GOAL := help
.PHONY: help demo test test-sqlite test-postgres test-journeys journeys check format messages lock venv tools clean

help: ## what is here
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: venv ## the tool, a practice LMS and a mailbox, on this machine; Ctrl-C ends it
	@$(BIN)/python -m practice_lms.demo

test: tools ## all checks and all tests, on SQLite and on PostgreSQL with Redis
	@$(MAKE) --no-print-directory check
	@$(MAKE) --no-print-directory test-sqlite
	@$(MAKE) --no-print-directory test-postgres
	@$(MAKE) --no-print-directory test-journeys

test-sqlite: venv ## tests on the embedded parts: SQLite, one process; and the main story
	@echo "== Tests on SQLite and in-process parts"
	@env -u DATABASE_URL -u REDIS_URL $(PYTEST) -n $(WORKERS) -m "not journey or every_stack" $(PYTEST_ARGS)

test-postgres: venv ## tests on PostgreSQL and Redis, both started for this run only
	@echo "== Tests on PostgreSQL and Redis"
	@$(BIN)/python .ci/services.py $(PYTEST) -n $(WORKERS) -m "not journey" $(PYTEST_ARGS)

test-journeys: venv ## the stories in a browser, on PostgreSQL and Redis
	@echo "== Stories in a browser, on PostgreSQL and Redis"
	@$(BIN)/python .ci/services.py $(PYTEST) -n auto --maxprocesses 8 -m journey $(PYTEST_ARGS)

journeys: venv ## the stories in a browser only, on the embedded parts
	@env -u DATABASE_URL -u REDIS_URL $(BIN)/python -m pytest -m journey $(PYTEST_ARGS)

check: venv ## style, types, import contracts, migrations, deployment settings
	@echo "== Style"
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@echo "== Types"
	@$(BIN)/mypy . .ci
	@echo "== Import contracts"
	@$(BIN)/lint-imports
	@echo "== Migrations and deployment settings"
	@$(PRODUCTION_LIKE) $(BIN)/python manage.py makemigrations --check --dry-run
	@$(PRODUCTION_LIKE) $(BIN)/python manage.py check --deploy --fail-level WARNING

format: venv ## let ruff set the code and mend what it can
	@$(BIN)/ruff check --fix-only .
	@$(BIN)/ruff format .

messages: venv ## collect all texts into locale/ (needs GNU gettext), and compile what is translated
	@$(PRODUCTION_LIKE) $(BIN)/python manage.py makemessages --verbosity 0 -l fr -l es -l de --no-wrap \
		--no-obsolete --add-location file -i 'tests/*' -i 'practice_lms/*' -i 'benchmarks/*'
	@$(BIN)/python .ci/catalogues.py

lock: venv ## write requirements.lock from pyproject.toml (LOCK_ARGS=--upgrade for newer versions)
	@$(BIN)/uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 \
		--generate-hashes --no-emit-index-url --no-emit-find-links --no-header --quiet \
		$(LOCK_ARGS) --output-file requirements.lock

venv: ## .venv/ as requirements.lock says
	@$(PYTHON) .ci/setup.py

tools: ## as venv, and the system's packages that tests need
	@$(PYTHON) .ci/setup.py --tests

clean: ## forget what was made here, .venv/ included; keys and databases stay
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .test-keys .test*.sqlite3*
