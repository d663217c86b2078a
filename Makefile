# The short list of what a person types. Everything sets itself up: Python 3.11 or newer and make are enough.
.POSIX:
.PHONY: help demo lab-demo test fast emergencies lint format docs audit dev clean

help:
	@echo 'make demo      diagnose a recorded broken server, file its ticket in a real help desk (no root, no lab)'
	@echo 'make lab-demo  the same on a live stand-in server that is broken and mended (root, Debian)'
	@echo 'make test      run everything that can run here, and say what was left out and why'
	@echo 'make fast      lint, types, layers and the tests that need no real parts'
	@echo 'make emergencies  which recorded machines show which emergency, and what is said of each'
	@echo 'make lint      lint, types, layers'
	@echo 'make format    format the code'
	@echo 'make docs      build the documentation into docs/_build/html'
	@echo 'make audit     look up known vulnerabilities of what gets installed'
	@echo 'make dev       .venv with this source tree, editable, and all tools'
	@echo 'make clean     remove what the targets above made'

demo:
	@sh tools/setup.sh run
	@sh tools/demo.sh

lab-demo:
	@sh tools/setup.sh run
	@sh tools/lab_demo.sh

test:
	@sh tools/setup.sh test
	@sh tools/test.sh

fast:
	@sh tools/setup.sh test
	@.venv/bin/nox -s lint types layers tests

emergencies:
	@sh tools/setup.sh run
	@.venv/bin/python tools/emergencies.py

lint:
	@sh tools/setup.sh test
	@.venv/bin/nox -s lint types layers

format:
	@sh tools/setup.sh test
	@.venv/bin/nox -s format

docs:
	@sh tools/setup.sh test
	@.venv/bin/nox -s docs

audit:
	@sh tools/setup.sh test
	@.venv/bin/nox -s audit

dev:
	@sh tools/setup.sh dev

clean:
	rm -rf .venv .nox dist build docs/_build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	rm -f .coverage .coverage.*
