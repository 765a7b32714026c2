# Every command of the project, the same ones that CI runs. `make` alone lists them.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
SBU    ?= ../shared/data/SBU
DATA   ?= sbu:$(SBU)
RUNS   ?= runs
TABLES := methods priors alignment semi ctf regularisers mrmp distillation structure networks dense temporal
MORE   ?=
RESULTS ?= docs/results

.DEFAULT_GOAL := help
.PHONY: help install demo test check slow wheel bench tables figures clean

help: ## list the commands
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

install: $(VENV)/.installed ## make .venv and install bandstop with its tools

$(VENV)/.installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "bandstop needs Python 3.11 or later; set PYTHON=python3.11"; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check \
		-c constraints.txt -e '.[dev]'
	@touch $@

demo: install ## the main job on synthetic recordings: a table, figures, the run's path
	$(BIN)/bandstop design --data synthetic --method pmp --rate 0.9

check: install ## style, types, the layers between rooms
	$(BIN)/ruff check src tests benchmarks .ci
	$(BIN)/ruff format --check src tests benchmarks .ci
	$(BIN)/mypy
	$(BIN)/python .ci/rooms.py

test: check ## everything that must hold, in under 10 minutes
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "not slow"

slow: install ## the long tests, and every property on many more examples
	$(BIN)/python -m pytest -m slow
	$(BIN)/python -m pytest -m "hypothesis and not slow" --hypothesis-profile thorough

wheel: install ## what a user gets: the packages built, looked into, installed elsewhere and tried
	$(BIN)/python .ci/wheel.py

bench: install ## every figure that README names, measured on this machine (SBU=folder)
	$(BIN)/python benchmarks/bench_main_job.py --data sbu:$(SBU)

tables: install ## every table, of DATA=fpha:folder (SBU), into RUNS=folder; restartable (MORE='--seeds 0')
	for name in $(TABLES); do $(BIN)/bandstop table $$name --data $(DATA) --runs $(RUNS) $(MORE) || exit; done

figures: install ## docs/results from RUNS=folder: every table and figure that was made there
	$(BIN)/bandstop figures $(RUNS) -o $(RESULTS)

clean: ## remove the environment and caches; runs stay
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis build src/*.egg-info
