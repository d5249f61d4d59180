# `make help` is the manual.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUN := PYTHONPATH=tests $(BIN)/python
UV := 0.13.9
INSTALL := $(BIN)/uv pip install --quiet --system-certs --python $(BIN)/python
SOURCES := operator tests
DELIVERED = $(foreach name,VERSION IMAGE DIRTY BASE REPOSITORY RELEASES HOMEPAGE,$(if $(filter command line,$(origin $(name))),--$(name) "$($(name))"))
BESIDE := $(RUN) -m pytest tests --ignore=tests/unit --ignore=tests/cli --numprocesses 3 --dist loadfile --no-loadscope-reorder

# Python is started by the thousand here: what it compiled is kept, also where the surroundings forbid it.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup demo test e2e verdicts races check fmt lint generate bench cli image chart release lock clean

help: ## Show this manual
	@grep -hE '^[a-z0-9]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9]+):.*## (.*)/  make \1\t\2/' | expand -t 18

setup: $(VENV)/ready ## Make the virtual environment from the committed lock

$(VENV)/ready: requirements-dev.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check uv==$(UV)
	$(INSTALL) --require-hashes --requirements requirements-dev.lock
	$(INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

demo: setup ## Walk through what a user does, on a real API server; KUBECONFIG=… uses your cluster, CHECK=1 ends by itself
	$(RUN) -m demo $(if $(CHECK),--check) $(if $(filter command line,$(origin KUBECONFIG)),--kubeconfig $(KUBECONFIG))

test: check ## Run everything that CI runs: the checks below, then all tests; ARGS="-k NAME" only some
	$(RUN) -m controlplane
	$(RUN) -m pytest $(or $(ARGS),tests/unit tests/cli --cov --numprocesses 2)
	$(if $(ARGS),,$(BESIDE) || { [ $$? -eq 1 ] && $(RUN) -m again; })
	$(if $(ARGS),,$(RUN) -m e2e --if-possible)

e2e: setup ## Run the image on a real node, made here as root on Linux; KUBECONFIG=… IMAGE=… [ADDRESS=…] uses your cluster
	$(RUN) -m e2e $(if $(filter command line,$(origin KUBECONFIG)),--kubeconfig $(KUBECONFIG)) $(if $(IMAGE),--image $(IMAGE)) $(if $(ADDRESS),--address $(ADDRESS)) $(ARGS)

verdicts: setup ## Run every credential type through every situation and print what is said of it; ARGS="-o json" for programs
	$(RUN) -m verdicts $(ARGS)

races: setup ## Run N=2000 random interleavings of people, faults and the operator; SEED=… repeats a round
	$(RUN) -m races $(if $(N),--number $(N)) $(if $(SEED),--seed $(SEED)) $(ARGS)

check: lint ## Check style, types, layers, dependencies, dead code, and that generated files are fresh
	$(BIN)/python -m credential_operator.generate --check
	$(RUN) -m delivery.values --check
	$(RUN) -m delivery.kustomize --check

lint: setup
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/deptry .
	$(BIN)/vulture

fmt: setup ## Format the code and mend what can be mended
	$(BIN)/ruff check --fix $(SOURCES)
	$(BIN)/ruff format $(SOURCES)

generate: setup ## Write the CRDs, the reference, the examples and the chart's copies from the models, the schema of its values, and kustomize's files from it
	$(BIN)/python -m credential_operator.generate
	$(RUN) -m delivery.values
	$(RUN) -m delivery.kustomize
	$(RUN) -m verdicts --page

bench: setup ## Measure 1,000 and 10,000 Credentials beside a plain kopf operator, 2,000 beside 8,000 others, 10,000 references distributed to 500 namespaces, 1,000 short-lived keys, 50,000 Pods, and a scrape; CHECK=1 fails if a goal is missed
	$(RUN) -m bench $(if $(CHECK),--check) $(ARGS)

cli: setup ## Build the plugin as one file, dist/kubectl-credential, its archive and its Krew manifest; RELEASES=https://… is where archives will be
	$(RUN) -m bundle $(if $(RELEASES),--releases $(RELEASES))

image: setup ## Build the image as one file below dist/; BASE=… is what it is made of, BASE=debian makes one of Debian's packages
	$(RUN) -m delivery image $(DELIVERED)

chart: setup ## Pack the chart into dist/; REPOSITORY=… is where its image will be
	$(RUN) -m delivery chart $(DELIVERED)

release: setup ## Build all files of VERSION=1.2.3 into dist/1.2.3, and publish nothing; IMAGE=no without the image, DIRTY=yes not as committed
	$(RUN) -m delivery release $(DELIVERED)

lock: setup ## Write the locks anew from pyproject.toml
	$(BIN)/uv pip compile pyproject.toml --quiet --universal --generate-hashes --custom-compile-command "make lock" -o requirements.lock
	$(BIN)/uv pip compile pyproject.toml --quiet --universal --generate-hashes --custom-compile-command "make lock" --extra cli --group dev -c requirements.lock -o requirements-dev.lock
	$(BIN)/uv pip compile --group build --quiet --universal --generate-hashes --custom-compile-command "make lock" -c requirements-dev.lock -o requirements-build.lock
	$(BIN)/uv pip compile pyproject.toml --quiet --universal --generate-hashes --custom-compile-command "make lock" --extra cli -c requirements-dev.lock -o requirements-cli.lock

clean: ## Remove the virtual environment and caches (the control plane's cache stays)
	rm -rf $(VENV) dist build .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis .coverage
