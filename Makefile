# `make help` lists the targets. Everything runs in .venv, built from a hash-locked list.
PYTHON ?= python3
VENV ?= .venv
RUN = $(VENV)/bin/python
UV = $(shell command -v uv || echo .tools/bin/uv)
CATEGORY ?= bottle
ROOT ?= datasets
OUTPUT ?= outputs
PORT ?= 5000
EXTRA ?= slurm
TARGET ?= cpu
ARGS ?=
MODEL ?= latest
TO ?= onnx
ALIAS ?= champion
export PYTHONPATH := .
# A company's network signs with certificates that the system knows, and uv's own list does not.
ifneq ($(wildcard /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt /etc/ssl/cert.pem),)
export UV_SYSTEM_CERTS ?= true
endif
# Paths may hold spaces, and addresses ? and &: the shell gets each as one word.
quoted = '$(subst ','\'',$(1))'

.DEFAULT_GOAL := help
.PHONY: help setup extra demo data train inspect export serve promote test test-slow lint docs format bench ui report study-bottle study-detector lock image clean

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-15s %s\n", $$1, $$2}'

setup: $(VENV)/base.done ## install everything that runs need into .venv

extra: $(VENV)/$(EXTRA).done ## install what else is needed: EXTRA=slurm, gpu or server; EXTRA=ray VENV=.venv-ray (one of its own)

demo: setup ## draw parts, train on them, show the result, inspect three parts that it never saw (minutes)
	$(RUN) train.py data=demo model=tiny $(call quoted,output=$(OUTPUT))
	$(RUN) -m anomaly.cli data draw $(call quoted,$(OUTPUT)/unseen) --kinds good scratch hole
	$(RUN) -m anomaly.cli inspect latest $(call quoted,$(OUTPUT)/unseen) --output $(call quoted,$(OUTPUT))

inspect: setup ## judge photos with a trained model: PHOTOS=DIR [MODEL=a run's id or folder, or NAME@ALIAS] [ARGS="--out DIR --watch"]
	$(RUN) -m anomaly.cli inspect $(call quoted,$(MODEL)) $(call quoted,$(PHOTOS)) --output $(call quoted,$(OUTPUT)) $(ARGS)

serve: $(VENV)/export.done ## judge photos over HTTP, with a page: [MODEL=a run's id or folder, or NAME@ALIAS] [PORT=8000]
	$(RUN) -m anomaly.cli serve $(call quoted,$(MODEL)) --output $(call quoted,$(OUTPUT)) $(if $(filter-out file default,$(origin PORT)),--port $(call quoted,$(PORT))) $(ARGS)

export: $(VENV)/export.done ## take a model to another runtime, with proof: OUT=DIR [TO=onnx] [MODEL=a run's id or folder, or NAME@ALIAS]
	$(RUN) -m anomaly.cli export $(call quoted,$(MODEL)) $(call quoted,$(OUT)) --to $(call quoted,$(TO)) --output $(call quoted,$(OUTPUT)) $(ARGS)

promote: setup ## name the model that the line shall use: RUN_ID=ID [ALIAS=champion]
	$(RUN) -m anomaly.cli promote $(call quoted,$(RUN_ID)) $(call quoted,$(ALIAS)) --output $(call quoted,$(OUTPUT)) $(ARGS)

data: setup ## download a category of MVTec AD: CATEGORY=bottle ROOT=datasets [SOURCE=URL-or-file SHA256=...]
	$(RUN) -m anomaly.data.download $(call quoted,$(CATEGORY)) $(call quoted,$(ROOT)) $(if $(SOURCE),--source $(call quoted,$(SOURCE))) $(if $(SHA256),--sha256 $(call quoted,$(SHA256)))

train: setup ## train: ARGS="data.root=DIR data.category=bottle model=mobilenetv2"
	$(RUN) train.py $(ARGS)

test: $(VENV)/test.done ## run the tests (a quarter of an hour or more on two cores)
	$(RUN) -m pytest -n 2 --dist loadscope --no-loadscope-reorder -m "not slow" $(ARGS)

test-slow: $(VENV)/test.done ## also the tests that take minutes each
	$(RUN) -m pytest -m slow $(ARGS)

lint: $(VENV)/test.done ## check style and types
	$(VENV)/bin/ruff check --output-format concise .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy

docs: $(VENV)/docs.done ## build the documentation into docs/_build; a warning is an error
	$(RUN) -m sphinx --quiet --fail-on-warning --keep-going --nitpicky -E docs docs/_build
	@# the pages load nothing from elsewhere; those that do are listed
	@! grep -rlE '<(script|link|img|iframe|source)[^>]* (src|href)="(https?:)?//' docs/_build --include='*.html'
	@echo "open docs/_build/index.html"

format: $(VENV)/test.done ## put the code into shape
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

bench: $(VENV)/test.done ## measure the speed claims, into bench/results.json (ROOT=DIR with bottle in it) [PARTS="bovw giant"]
	$(RUN) -m bench $(call quoted,$(ROOT)) $(PARTS)

ui: setup ## open the MLflow UI on the runs in OUTPUT=outputs: [PORT=5000]
	$(RUN) -m anomaly.tracking.ui --output $(call quoted,$(OUTPUT)) --port $(call quoted,$(PORT))

report: setup ## put all runs in OUTPUT side by side on one page: [ARGS="--category bottle --role pooled"]
	$(RUN) -m anomaly.report --output $(call quoted,$(OUTPUT)) $(ARGS)

study-bottle: setup ## repeat experiments/bottle_classifiers (ROOT=DIR with bottle in it; an hour)
	PYTHON=$(RUN) sh experiments/bottle_classifiers/run.sh $(call quoted,$(ROOT)) $(call quoted,$(OUTPUT)/studies/bottle_classifiers)

study-detector: setup ## repeat experiments/bottle_mask_rcnn (ROOT=DIR with bottle in it; two hours)
	PYTHON=$(RUN) sh experiments/bottle_mask_rcnn/run.sh $(call quoted,$(ROOT)) $(call quoted,$(OUTPUT)/studies/bottle_mask_rcnn)

lock: | $(UV) ## compile pyproject.toml and requirements/*.in into locked, hashed lists
	$(LOCK) --extra train pyproject.toml -o requirements/base.txt
	$(LOCK) $(AS_BASE) --extra export --extra serve -o requirements/export.txt
	$(LOCK) -c requirements/export.txt --extra inspect --extra serve pyproject.toml -o requirements/serve.txt
	$(LOCK) $(AS_BASE) --extra export --extra serve -c requirements/export.txt requirements/test.in -o requirements/test.txt
	$(LOCK) $(AS_BASE) -c requirements/test.txt requirements/docs.in -o requirements/docs.txt
	$(LOCK) $(AS_BASE) requirements/gpu.in -o requirements/gpu.txt
	$(LOCK) $(AS_BASE) --extra slurm -o requirements/slurm.txt
	$(LOCK) -c requirements/base.txt requirements/server.in -o requirements/server.txt
	$(LOCK) --extra train --extra serve --extra ray pyproject.toml -o requirements/ray.txt
LOCK = $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header -c requirements/constraints.in
AS_BASE = -c requirements/base.txt --extra train pyproject.toml

image: ## build a Docker image: TARGET=cpu, gpu, serve or mlflow
	docker build -f docker/Dockerfile --target $(TARGET) -t anomaly:$(TARGET) .

clean: ## remove the environment and the caches; outputs and data stay
	rm -rf $(VENV) .tools .pytest_cache .ruff_cache .mypy_cache docs/_build outputs/cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/%.done: requirements/%.txt | $(VENV)/bin/python
	$(UV) pip install --quiet --python $(RUN) --no-deps --require-hashes -r $<
	@# compiled once here: TensorFlow imports three times faster from the first run on
	$(RUN) -m compileall -q -j 0 $(VENV)/lib > /dev/null || true
	touch $@

$(VENV)/bin/python: | $(UV)
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v <= (3, 13) else "error: Python 3.11 to 3.13 is needed, $(PYTHON) is %d.%d; give another as make PYTHON=python3.12 ..." % v)'
	$(UV) venv --quiet --python $(PYTHON) $(VENV)

.tools/bin/uv:
	$(PYTHON) -m pip install --quiet --disable-pip-version-check --target .tools --require-hashes -r requirements/uv.txt \
	  || { $(PYTHON) -m venv .tools && .tools/bin/pip install --quiet --require-hashes -r requirements/uv.txt; }
