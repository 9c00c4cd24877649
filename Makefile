# Three commands need to be known: make demo, make check while working, make test before
# a change is handed in. `make help` lists the others.
# PYTHON=/path/to/python3.12 in front of any of them chooses the interpreter.
SHELL := /bin/bash
recipe := egs2/mini_ar/asr1

.PHONY: help env demo check test test-one lint format clean

help: ## show this list
	@sed -n 's/^\([a-z-]*\):[a-z/.| ]*## /  make \1\t/p' $(MAKEFILE_LIST)

env: ## set up .venv, sclite, KenLM, shellcheck and bats, unless they are there
	@local/make_env.sh

demo: env ## run the recipe mini_ar from audio files to scores
	@cd $(recipe) && ./run.sh

check: .venv ## ruff and the tests that need no torch, in 30 s
	@local/run_tests.sh --check true

test: ## lint and all tests, under both Python stacks if both are installed
	@local/make_env.sh --test_tools true
	@local/run_tests.sh

test-one: ## lint and all tests, under the stack of .venv only
	@local/make_env.sh --test_tools true
	@local/run_tests.sh --second_stack false

lint: env ## ruff, mypy, yamllint and shellcheck
	@local/lint.sh

format: .venv ## sort imports, fix what ruff can fix, and format the code
	@.venv/bin/ruff check --fix .
	@.venv/bin/ruff format .

.venv:
	@local/make_env.sh

clean: ## remove the environments; results of recipes stay
	rm -rf .venv .venv-py3?? .venv*.lock .venv*.apt_failed plugins/*.egg-info
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find plugins tests local egs2 -name __pycache__ -prune -exec rm -rf {} +
