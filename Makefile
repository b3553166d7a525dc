# make demo   the default study, from nothing to the report
# make test   the whole test suite
# make docs   the documentation as a site, site/index.html
# make test-slurm   a study through a SLURM cluster of one node, which it brings up: as root, on Debian or Ubuntu
# make rulegraph   the picture of the rules in docs/rules.md
# make lock   requirements.in -> requirements.txt

PYTHON ?= python3
VENV := .venv
LOCK := .venv-lock
# The stamp carries a checksum, so that set-up runs when the requirements change and not when a file was merely touched.
STAMP := $(VENV)/.installed-$(shell cat envs/requirements.txt envs/requirements-no-deps.txt | cksum | cut -d' ' -f1)
BIN := $(VENV)/bin

.PHONY: demo test test-slurm docs rulegraph lock
.DELETE_ON_ERROR:

demo: $(STAMP)
	@$(BIN)/snakemake demo
	@echo "The report: results/demo/report.html"

test: $(STAMP)
	@$(BIN)/python -m pytest -n auto --dist loadgroup

docs: $(STAMP)
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build
	@echo "The site: site/index.html"

# -s: what the miniature took, here and through SLURM
test-slurm: $(STAMP)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r envs/requirements-slurm.txt
	@LACUNA_SLURM=1 $(BIN)/python -m pytest -s -rs tests/slurm

rulegraph: $(STAMP)
	@$(BIN)/python docs/rule_graph.py

$(STAMP):
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(None if v >= (3, 11) else f"Lacuna needs Python 3.11 or newer and $(PYTHON) is {v[0]}.{v[1]}: run make PYTHON=python3.12, say.")'
	@echo "Setting up $(VENV) from envs/requirements.txt (once)"
	@$(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r envs/requirements.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -r envs/requirements-no-deps.txt
	@touch $@

# Resolved for every Python >= 3.11 and every platform. torch pins its own CUDA packages exactly; leaving them out of the file
# is what lets machines with and without a GPU install from the same one. Its CPU builds bring no triton, whose interpreter and
# compiler the tests need: the range lets torch's own pin decide where there is one.
lock:
	@$(PYTHON) -m venv --clear $(LOCK)
	@$(LOCK)/bin/python -m pip install --quiet --disable-pip-version-check uv==0.13.9
	@$(LOCK)/bin/uv --quiet pip compile --universal --python-version 3.11 --upgrade --no-annotate --no-header envs/requirements.in -o $(LOCK)/resolved.txt
	@{ echo "# Made by 'make lock' from requirements.in; do not edit."; grep -vE '^(nvidia|cuda)-|^triton==' $(LOCK)/resolved.txt; echo "triton>=3.6,<3.8 ; sys_platform == 'linux'"; } > envs/requirements.txt
