# make run    sets up .venv with what the app needs, and serves it
# make test   what the tests need besides; the linter, then every test
# PORT=8600 make run, PYTHON=python3.12 make setup

PYTHON ?= python3
PORT ?= 8501
PIP = .venv/bin/python -m pip --disable-pip-version-check install --quiet

.PHONY: setup run test lint

setup: .venv/.installed

run: setup
	.venv/bin/python streamlit_app.py --port $(PORT)

lint: .venv/.installed-dev
	.venv/bin/ruff check .

# A process a core; what is in one file runs in one of them, in order.
test: lint
	.venv/bin/python -m pytest --numprocesses=auto --dist=loadfile

# The stamps make pip run again only when the requirements change. A .venv that is there already is used as it is.
.venv/.installed: requirements.txt
	test -x .venv/bin/python || $(PYTHON) -m venv .venv
	$(PIP) -r requirements.txt
	touch .venv/.installed

.venv/.installed-dev: requirements.txt requirements-dev.txt
	test -x .venv/bin/python || $(PYTHON) -m venv .venv
	$(PIP) -r requirements-dev.txt
	touch .venv/.installed .venv/.installed-dev
