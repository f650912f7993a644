# make run starts a working site from a fresh clone. CI runs make check and make test.
PYTHON ?= python3
BIN := .venv/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

# Some container images set it. Each of the many test processes would then compile all modules again.
unexport PYTHONDONTWRITEBYTECODE

CHECKS := check-format check-lint check-types check-templates check-django check-security check-dependencies

.PHONY: messages run test test-services test-slow faults check $(CHECKS) env install install-dev install-mlflow install-celery install-boosting install-kafka install-s3 install-parquet format constraints screenshots \
	bench bench-short bench-record bench-growth bench-install

run: install env
	SHOW_SUMMARY=1 $(BIN)/python manage.py bootstrap
	@echo "Starting the server and loading the models…"
	SHOW_SUMMARY=1 $(BIN)/gunicorn -c python:mlsite.gunicorn

env: .env

test: install-dev
	$(BIN)/python -m mlsite.tests.suite

# Test background work with a real RabbitMQ and a real Redis, whose programs must be installed.
test-services: install-dev install-clients
	$(BIN)/python -m pytest -m 'services and not faults and not slow' -n 3 --dist loadgroup -q

# Run the tests that take long. CI does not run them.
test-slow: install-dev install-clients
	$(BIN)/python -m pytest -m slow -n 2 --dist loadgroup -q
	ALL_LOOKS=1 $(BIN)/python -m pytest mlsite/tests/test_accessibility.py -q

# Damage running sites and write docs/reliability.md. Select faults with FAULTS="F1 F7". See docs/reliability.md.
FAULT_ROUNDS ?= 20
FAULTS ?=

faults: install-dev
	FAULTS="$(FAULTS)" FAULT_ROUNDS=$(FAULT_ROUNDS) $(BIN)/python -m mlsite.tests.faults

# .pre-commit-config.yaml runs the same targets.
check: $(CHECKS)

check-format: install-dev
	$(BIN)/ruff format --check .

check-lint: install-dev
	$(BIN)/ruff check .

check-types: install-dev
	$(BIN)/mypy .
	$(BIN)/mypy --config-file clients/python/pyproject.toml clients/python/src

check-templates: install-dev
	$(BIN)/djlint --lint --check templates

check-django: install-dev
	SECRET_KEY=check ENV_FILE= $(BIN)/python manage.py check --fail-level WARNING
	SECRET_KEY=check ENV_FILE= $(BIN)/python manage.py makemigrations --check --dry-run

# pyproject.toml lists the rules that Ruff already checks.
check-security: install-dev
	$(BIN)/python -m bandit --quiet --recursive --configfile pyproject.toml .

# Passes without access to PyPI, and states that.
check-dependencies: install-dev
	$(BIN)/python -m mlsite.tests.vulnerabilities

format: install-dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(BIN)/djlint --quiet --reformat templates

# Collect the marked texts in locale/, without obsolete ones, and compile the translations. Requires GNU gettext.
MAKEMESSAGES = SECRET_KEY=x ENV_FILE= $(BIN)/python manage.py makemessages --locale de --locale es --add-location file \
	--no-wrap --no-obsolete $(foreach name,.venv* tests migrations benchmarks clients docs node_modules var vendor,--ignore '$(name)')

messages: install-dev
	mkdir -p locale
	$(MAKEMESSAGES)
	$(MAKEMESSAGES) --domain djangojs
	SECRET_KEY=x ENV_FILE= $(BIN)/python manage.py compilemessages --ignore '.venv*'

# Update the screenshots in docs/, from a temporary site with generated data.
screenshots: install-dev
	$(BIN)/python -m mlsite.tests.screenshots

# Options of `make bench`: rounds, and seconds per measurement.
BENCH_ROUNDS ?= 3
BENCH_SECONDS ?= 10

# Compare the speed of mlsite with other programs, and write benchmarks/RESULTS.md.
bench: bench-install
	$(BIN)/python -m benchmarks --rounds $(BENCH_ROUNDS) --seconds $(BENCH_SECONDS)

# Fail if the CPU time per prediction has risen, compared with that of two other programs.
bench-short: bench-install
	$(BIN)/python -m benchmarks.gate

# Write the ratios that `make bench-short` compares with. Run it on an idle machine.
bench-record: bench-install
	$(BIN)/python -m benchmarks.gate --record --rounds 5 --seconds 5

# Time all lists and pages with 1,000 and with 1,000,000 predictions on PostgreSQL (about 15 minutes).
bench-growth: install-dev
	$(BIN)/python -m benchmarks.growth

# The programs that mlsite is compared with have their own environment, because they use psycopg 3. It uses the packages in
# .venv too, so that all programs run the same TensorFlow and scikit-learn.
bench-install: install .venv-bench/installed

install: .venv/installed

install-dev: .venv/installed-dev

install-mlflow: .venv/installed-mlflow

install-celery: .venv/installed-celery

install-boosting: .venv/installed-boosting

install-kafka: .venv/installed-kafka

install-s3: .venv/installed-s3

install-parquet: .venv/installed-parquet

.venv/installed: requirements.txt constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(INSTALL) --requirement requirements.txt
	touch $@

.venv/installed-dev: .venv/installed requirements-dev.txt requirements-celery.txt requirements-boosting.txt requirements-kafka.txt \
		requirements-s3.txt requirements-parquet.txt
	$(INSTALL) --requirement requirements-dev.txt
	touch $@

# mlflow, celery, boosting, kafka, s3, and parquet
.venv/installed-%: .venv/installed requirements-%.txt
	$(INSTALL) --requirement requirements-$*.txt
	touch $@

.venv-bench/installed: .venv/installed benchmarks/requirements.txt constraints.txt
	test -x .venv-bench/bin/python || $(BIN)/python -m venv .venv-bench
	$(BIN)/python -c "import sysconfig; print(sysconfig.get_path('purelib'))" \
		> "$$(.venv-bench/bin/python -c "import sysconfig; print(sysconfig.get_path('purelib'))")/mlsite.pth"
	.venv-bench/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt \
		--requirement benchmarks/requirements.txt
	touch $@

# Create .env once, with a random secret key and demo password. Only its owner can read it.
.env: | .venv/installed
	$(BIN)/python -m mlsite.envfile .env.example $@

# Install the newest allowed versions of the dependencies, and pin them in constraints.txt.
constraints:
	rm -rf .venv
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --requirement requirements.txt --requirement requirements-dev.txt \
		--requirement requirements-mlflow.txt
	{ echo "# All resolved dependencies, pinned. Generated by make constraints."; $(BIN)/python -m pip freeze; } > constraints.txt

# Clients of the Open Inference Protocol, for mlsite/tests/test_v2_mlserver.py. Their dependencies differ from those of mlsite.
.PHONY: install-clients
install-clients:
	test -d .venv-clients || $(PYTHON) -m venv .venv-clients
	.venv-clients/bin/python -m pip install --quiet --disable-pip-version-check mlserver==1.7.1 requests
