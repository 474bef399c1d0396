# Two targets are enough for a user: `make demo` and `make test`. Both make .venv by themselves.
PYTHON ?= python3
# One test process more than there are processors: some tests wait for programs they started.
WORKERS ?= $(shell $(PYTHON) -c 'import os; print(1 + (os.cpu_count() or 1))')
# Each of the hundreds of processes of the tests would compile every module anew, and pytest all assertions.
unexport PYTHONDONTWRITEBYTECODE
VENV := .venv
BIN := $(VENV)/bin
# Exact versions, each with the hashes of its files; `make lock` writes them.
LOCKS := .ci/requirements
LOCKED := $(BIN)/pip install --quiet --require-hashes --requirement

.PHONY: demo demo-data quick test fuzz conformance image check docs lock advisories catalog clean

demo: $(VENV)/demo.stamp
	@# Exit status 1 says that the audit found something, as it should in the demonstration account.
	@PYTHONPATH=tests $(BIN)/python -m demo_account $(BIN)/aws-iam audit run || [ $$? -eq 1 ]
	@echo
	@echo 'Here the command is $(BIN)/aws-iam, and the emulated account has ended. --demo judges its record instead, in the commands above too:'
	@echo '  $(BIN)/aws-iam audit run --demo'

# Records assets/demo, what `--demo` judges; review the difference before committing it.
demo-data: $(VENV)/demo.stamp
	PYTHONPATH=tests $(BIN)/python -m demo_account.record

test: $(VENV)/dev.stamp
	@# In the order of the folders the files that wait longest come early, and no process is left alone with one at the end.
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder -m "not conformance"

# Spoilt input for every reader, for a minute or for SECONDS=36000; an input that fails is written to a file.
SECONDS ?= 60
FUZZ ?=
fuzz: $(VENV)/dev.stamp
	PYTHONPATH=tests $(BIN)/python -W ignore -m tests.fuzz --seconds $(SECONDS) $(FUZZ)

# What the protocol's authors test servers with, and clients that take what the README tells to configure. The programs come
# from npm, and the Node.js of the first from a Python package.
conformance: $(VENV)/dev.stamp
	$(LOCKED) $(LOCKS)/node.txt
	$(BIN)/python -m pytest -n 0 -m conformance tests/server/test_conformance.py tests/packages/test_clients.py

# Builds the image on a Debian made here and uses it; needs root, buildah, netavark and mmdebstrap
# (Debian's packages), and minutes.
image: $(VENV)/dev.stamp
	$(BIN)/python .ci/check_image.py

# The inner loop: what can be wrong while one writes. `make test` runs what the markers leave out.
quick: $(VENV)/dev.stamp
	$(BIN)/ruff check --quiet server tests .ci assets/deploy
	$(BIN)/mypy
	$(BIN)/python -m pytest -q -n 2 --dist loadfile -m "not (browser or conformance or dask or emulator or growth or pre_commit or process or validator)"

check: $(VENV)/dev.stamp
	$(BIN)/ruff format --check server tests .ci assets/deploy
	$(BIN)/ruff check server tests .ci assets/deploy
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/python -m aws_iam.docs --check
	$(BIN)/python .ci/manifests.py --check
	$(BIN)/python .ci/lock.py --check
	$(BIN)/python .ci/lock_npm.py --check

docs: $(VENV)/dev.stamp
	$(BIN)/python -m aws_iam.docs
	$(BIN)/python .ci/manifests.py

# Locks what pyproject.toml asks for, and keeps each version that still fits; `make lock UPGRADE=--upgrade` takes the newest.
lock: $(VENV)/dev.stamp
	$(BIN)/python .ci/lock.py $(UPGRADE)
	$(BIN)/python .ci/lock_npm.py $(UPGRADE)

# Whether a locked version has a known vulnerability. Needs the advisories' index, and says so where it cannot be reached.
advisories: $(VENV)/dev.stamp
	$(BIN)/python .ci/advisories.py

# Rebuilds assets/data/service-authorization.zip and managed-policies.zip from their sources; review the difference before committing it.
catalog: $(VENV)/dev.stamp
	$(BIN)/pip install --quiet --group catalog
	$(BIN)/python .ci/build_catalog.py
	$(BIN)/python .ci/build_managed_policies.py

$(VENV)/pip.stamp: $(LOCKS)/build.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "aws-iam needs Python 3.11 or newer: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@# The pip of Python 3.11 knows no dependency groups.
	$(BIN)/python -m pip install --quiet --require-hashes --requirement $(LOCKS)/build.txt
	@touch $@

# What a first user needs, from the ranges of pyproject.toml: it has to install on Pythons that came after the locks.
$(VENV)/demo.stamp: $(VENV)/pip.stamp pyproject.toml
	$(BIN)/pip install --quiet --editable . --group demo
	@touch $@

$(VENV)/dev.stamp: $(VENV)/pip.stamp pyproject.toml $(LOCKS)/dev.txt $(LOCKS)/emulator.txt
	$(LOCKED) $(LOCKS)/dev.txt
	$(LOCKED) $(LOCKS)/emulator.txt --no-deps
	$(BIN)/pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

clean:
	rm -rf $(VENV) dist
