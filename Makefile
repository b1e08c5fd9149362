# Thin names for commands that also work without make. `harness/prepare.py` says each step that it takes, and why.
# GNU make ends with 2 whenever a recipe fails; the outcome codes (FAIL 1, INCONCLUSIVE 12, DIRTY 13 …) are those of
# `.venv/bin/windtunnel run` itself, so CI that reads them calls it directly.

PYTHON   ?= python3
SCENARIO ?= db_primary_lost
PREPARE   = $(PYTHON) harness/prepare.py

.DEFAULT_GOAL := help
.PHONY: help drill test check conformance bench acceptance nightly prepare stop-engine python

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 14

drill: python ## one scenario (SCENARIO=db_primary_lost) against the reference shop
	$(PREPARE) --venv --engine --images $(if $(shell grep -s first_screen scenarios/$(SCENARIO).toml),--browser)
	.venv/bin/windtunnel run scenarios/$(SCENARIO).toml

test: python ## prepare everything, run all tests
	$(PREPARE) --venv
	@# The fast tests need neither engine nor images: meanwhile these are made, which is mostly waiting for the network. The
	@# last one is made on demand by those who need it, but not while others measure.
	{ $(PREPARE) --engine --images --browser && $(PYTHON) -m sut.images toxiproxy; } & making=$$!; \
	    .venv/bin/python -m pytest -n auto -m "not docker and not slow and not browser"; \
	    fast=$$?; wait $$making && exit $$fast
	.venv/bin/python -m pytest tests/integration -n 3 --dist loadfile -m "slow and not docker and not browser and not alone and not thorough" --durations=10
	.venv/bin/python -m pytest tests/integration -n 3 --dist loadfile -m "(docker or browser) and not alone and not thorough" --durations=10
	.venv/bin/python -m pytest tests/integration -m "alone and not thorough" --durations=10

check: python ## linters, types and the fast tests; needs no Docker
	$(PREPARE) --venv
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy
	.venv/bin/python -m pytest -n auto -m "not docker and not slow and not browser"

conformance: prepare ## every fault on every target bites and heals; and what else `make test` leaves out
	.venv/bin/python -m pytest tests/integration -n 3 --dist loadfile -m "thorough and not docker"
	rm -f reports/conformance.xml
	.venv/bin/python -m pytest -m docker tests/integration/test_docker_faults.py tests/integration/test_docker_cache.py \
	    tests/integration/test_docker_edges.py -n 2 --dist loadfile --junitxml=reports/conformance.xml; \
	    tried=$$?; .venv/bin/python -m tests.conformance_page reports/conformance.xml && exit $$tried

bench: prepare ## measure windtunnel itself
	.venv/bin/python -m tests.bench

acceptance: python ## every run that must give a known answer, on Docker; takes hours
	$(PREPARE) --venv --engine --images --browser
	.venv/bin/python -m tests.acceptance

nightly: prepare ## every command of the documents that takes minutes, in a fresh clone; takes hours
	.venv/bin/python -m tests.nightly

prepare: python ## environment, engine and images; leaves an engine running
	$(PREPARE)

stop-engine: python ## end the engine that `prepare` started, and no other
	$(PREPARE) stop-engine

# A fresh Debian may have no Python at all, and prepare.py is written in it.
python:
	@command -v $(PYTHON) > /dev/null || { \
	    if [ "$(PYTHON) $$(id -u)" = "python3 0" ] && command -v apt-get > /dev/null; then \
	        echo "[python]  installing python3: harness/prepare.py needs it"; \
	        apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install --yes python3 python3-venv > /dev/null; \
	    else \
	        echo "make: there is no $(PYTHON). Type, as root: apt-get install python3 python3-venv" >&2; exit 10; \
	    fi; }
