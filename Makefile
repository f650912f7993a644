# make run: a working site from a fresh clone. make test, make check: what CI runs.
PYTHON ?= python3
BIN := .venv/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: run test check env install install-dev install-mlflow format constraints screenshots

run: install env
	$(BIN)/python manage.py bootstrap
	$(BIN)/gunicorn -c python:mlsite.gunicorn

env: .env

test: install-dev
	$(BIN)/python -m mlsite.tests.suite

check: install-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy .
	$(BIN)/djlint --quiet --lint --check templates
	SECRET_KEY=check ENV_FILE= $(BIN)/python manage.py check --fail-level WARNING
	SECRET_KEY=check ENV_FILE= $(BIN)/python manage.py makemigrations --check --dry-run

format: install-dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(BIN)/djlint --quiet --reformat templates

# The pictures of README and docs/, from a site of its own with made-up answers.
screenshots: install-dev
	$(BIN)/python -m mlsite.tests.screenshots

install: .venv/installed

install-dev: .venv/installed-dev

install-mlflow: .venv/installed-mlflow

.venv/installed: requirements.txt constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(INSTALL) --requirement requirements.txt
	touch $@

.venv/installed-dev: .venv/installed requirements-dev.txt
	$(INSTALL) --requirement requirements-dev.txt
	touch $@

.venv/installed-mlflow: .venv/installed requirements-mlflow.txt
	$(INSTALL) --requirement requirements-mlflow.txt
	touch $@

# A fresh .env, once: a random key and a random password for the demo account, readable by its owner only.
.env: | .venv/installed
	$(BIN)/python -m mlsite.envfile .env.example $@

# Resolve the direct dependencies anew and pin the result.
constraints:
	rm -rf .venv
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --requirement requirements.txt --requirement requirements-dev.txt \
		--requirement requirements-mlflow.txt
	{ echo "# The whole resolved set, pinned. Made by make constraints."; $(BIN)/python -m pip freeze; } > constraints.txt
