# Needs make, git and Python 3.11 or newer with pip. Everything is installed into .venv.

VENV := .venv
BIN := $(VENV)/bin
RUNTIME := requirements.lock requirements-build.lock
DEVELOPMENT := requirements-dev.lock requirements-build.lock
# Files go to two processes in the order that tests/conftest.py gives them.
TWICE := -n 2 --dist loadfile --no-loadscope-reorder

export VENV
# Empty is unset: tests start hundreds of processes, none of which should compile the application again.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help run test test-pooler test-tenant test-fast test-kafka test-ui kafka soak bench bench-quick bench-smoke check lint format types imports stubs migrations size vendor protos lock clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(VENV)/.runtime ## start the whole service: REST on :8000, gRPC on :50051, storage embedded; ARGS="--grpc-port 50052"
	@$(BIN)/workflow up $(ARGS)

test: $(VENV)/.development ## run all tests but those of test-kafka; ARGS="tests/unit -k name" selects some
	@$(BIN)/pytest $(TWICE) -m "not kafka" $(ARGS)

test-fast: $(VENV)/.development ## run the tests that need no server, in less than a minute
	@$(BIN)/pytest $(TWICE) -m "not server and not slow" tests/unit tests/contract $(ARGS)

test-pooler: $(VENV)/.development ## run the acceptance tests through PgBouncer in transaction mode, which must be installed
	@TEST_POOLER=pgbouncer $(BIN)/pytest $(TWICE) tests/acceptance $(ARGS)

test-tenant: $(VENV)/.development ## run all tests with AUTH=on, as a tenant other than default; ARGS as for test
	@TEST_TENANT=other $(BIN)/pytest $(TWICE) -m "not kafka" $(ARGS)

test-kafka: $(VENV)/.development ## run the tests that start a real Kafka broker; needs Java 17 and Maven
	@$(BIN)/pytest -m kafka -rs tests/acceptance $(ARGS)

test-ui: $(VENV)/.development ## run the tests of the dashboard in a real browser; needs Chromium
	@$(BIN)/pytest $(TWICE) tests/ui $(ARGS)

kafka: $(VENV)/.development ## start a Kafka broker for development, with its data in .kafka; PORT=9092; needs Java 17 and Maven
	@$(BIN)/python -m tests.support.kafka_broker .kafka/broker $(or $(PORT),9092)

soak: $(VENV)/.development ## inject failures for SOAK_MINUTES=10; CHAOS_SEED=n repeats a seed
	@$(BIN)/pytest tests/soak -s $(ARGS)

bench: $(VENV)/.runtime ## measure everything, about ten minutes; writes a report to bench/results
	@$(BIN)/python -m bench $(ARGS)

bench-quick: $(VENV)/.runtime ## measure the most important figures, about two minutes
	@$(BIN)/python -m bench --size quick $(ARGS)

bench-smoke: $(VENV)/.runtime ## check that every benchmark still works
	@$(BIN)/python -m bench --size smoke $(ARGS)

check: lint types imports stubs migrations size vendor ## run all checks that are not tests

lint: $(VENV)/.development ## ruff: rules and format
	@echo "Checking the rules of pyproject.toml with ruff ..."
	@$(BIN)/ruff check
	@echo "Checking the format ..."
	@$(BIN)/ruff format --check

format: $(VENV)/.development ## ruff: fix what can be fixed
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

types: $(VENV)/.development ## mypy, strict
	@echo "Checking the types with mypy ..."
	@$(BIN)/mypy

imports: $(VENV)/.development ## check the import rules
	@echo "Checking the import rules ..."
	@$(BIN)/lint-imports --no-logo

stubs: $(VENV)/.development ## check the proto with buf, and that the committed gRPC stubs match it
	@echo "Checking the rules of protos/buf.yaml with buf ..."
	@$(BIN)/buf lint protos
	@echo "Generating the gRPC stubs again and comparing ..."
	@PYTHON=$(BIN)/python sh scripts/check_protos.sh

migrations: $(VENV)/.development ## check that the migrations produce the models
	@echo "Comparing the models with a freshly migrated database ..."
	@$(BIN)/python scripts/check_migrations.py

size: $(VENV)/.development ## check the size of files and functions
	@echo "Measuring files and functions ..."
	@$(BIN)/python scripts/check_size.py

vendor: $(VENV)/.development ## compare the libraries of the dashboard with their lock
	@echo "Comparing the vendored libraries with their locks ..."
	@$(BIN)/python scripts/check_vendor.py

protos: $(VENV)/.development ## generate the gRPC stubs from protos/
	@PYTHON=$(BIN)/python sh scripts/protos.sh .

lock: ## write the lock files from pyproject.toml (needs uv)
	@command -v $${UV:-uv} >/dev/null || { echo "make lock needs uv: pip install uv, or make lock UV=/path/to/uv." >&2; exit 1; }
	@sh scripts/lock.sh

clean: ## remove the environment and all caches, but not the data in .workflow
	@rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis dist
	@find app bench tests alembic scripts -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.runtime: $(RUNTIME) pyproject.toml
	@sh scripts/install.sh $(RUNTIME)
	@touch $@

# The development requirements include the runtime ones, so `make run` after `make test` installs nothing.
$(VENV)/.development: $(DEVELOPMENT) pyproject.toml
	@sh scripts/install.sh $(DEVELOPMENT)
	@touch $@ $(VENV)/.runtime
