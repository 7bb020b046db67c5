# The front door: `make help` lists what there is. Works with GNU Make 3.81 (macOS) and newer, also in a path with spaces.

PYTHON ?= python3
# For a bundle, PYTHON=3.11 is the device's Python; here any Python that runs will do.
ifneq ($(filter bundle,$(MAKECMDGOALS)),)
ifeq ($(findstring python,$(PYTHON)),)
device_python := $(PYTHON)
override PYTHON := python3
endif
endif

SHELL = /bin/sh
.DEFAULT_GOAL = help
# TensorFlow describes the processor at every start; errors reach Python as exceptions anyway.
TF_CPP_MIN_LOG_LEVEL ?= 3
export TF_CPP_MIN_LOG_LEVEL
.NOTPARALLEL:
.PHONY: help pad predict demo train export report evaluate test test-long test-runtime test-oldest coverage test-aarch64 fuzz bench bench-train lint wheel bundle lock clean web serve-web test-web measure-web

# $(call option,--flag,VALUE): the flag with its value in quotes, or nothing if the value is empty.
option = $(if $(2),$(1) "$(2)")

# $(call environment,FIRST,LAST): make the environment whose stamp is the target, from the lock file that is the first
# prerequisite; an unusable Python stops make with one line. FIRST and LAST are minor versions of Python 3.
python_answer = $(shell $(PYTHON) requirements/check_python.py $(1) $(2) $(MAKECMDGOALS) 2>/dev/null || \
	echo "$(PYTHON): cannot be run; install Python 3.13, then: make $(MAKECMDGOALS) PYTHON=python3.13")
stop_unless_ok = $(if $(filter-out ok,$(1)),$(error $(1)))
environment = $(call stop_unless_ok,$(python_answer))@requirements/environment.sh "$(PYTHON)" $(@D) $<

# A Python that was upgraded or removed leaves an environment that cannot run: it is made again.
$(foreach folder,.venv .venv-test .venv-train .venv-oldest,\
	$(shell test -x $(folder)/bin/python || rm -f $(folder)/.ready))

## Use it

pad: .venv/.ready ## open the drawing pad: MODEL=cnn|mlp|both|PATH FILE=STROKES
	@.venv/bin/digitpad pad $(if $(FILE),"$(FILE)") $(call option,--model,$(MODEL))

predict: .venv/.ready ## read the digit in a picture: FILE=PICTURE MODEL=...
	@$(if $(FILE),,$(error say which picture: make predict FILE=digit.png))\
	.venv/bin/digitpad predict "$(FILE)" $(call option,--model,$(MODEL))

demo: .venv/.ready ## draw digits and a number through the real pad: OUT=DIR (images)
	@.venv/bin/digitpad demo --out "$(or $(OUT),images)"

## Train it (TORCH_INDEX=ADDRESS, once: take PyTorch from its CPU index, without the CUDA packages)

train: .venv-train/.ready ## train both networks: RECIPE=quick|default|full DATA=synthetic|DIR ONLY=cnn|mlp|rows OUT=DIR EXTRA=PATH
	@.venv-train/bin/python -m train $(call option,--recipe,$(RECIPE)) \
		$(if $(filter synthetic,$(DATA)),--synthetic,$(call option,--data,$(DATA))) \
		$(call option,--only,$(ONLY)) $(call option,--out,$(OUT)) $(call option,--extra,$(EXTRA))

export: .venv-train/.ready ## turn the weights into ONNX models: ONLY=cnn|mlp|rows OUT=DIR DATA=DIR
	@.venv-train/bin/python -m export $(call option,--only,$(ONLY)) $(call option,--out,$(OUT)) \
		$(call option,--data,$(filter-out synthetic,$(DATA)))

report: .venv-train/.ready ## measure everything in the model card and docs/evaluation (minutes): OUT=DIR DATA=DIR
	@.venv-train/bin/python -m export.report $(call option,--out,$(OUT)) \
		$(call option,--data,$(filter-out synthetic,$(DATA)))

evaluate: .venv-train/.ready ## measure any models against each other: MODEL=PATH,PATH SET=PATH OUT=DIR DATA=DIR
	@.venv-train/bin/python -m evaluate $(call option,--model,$(MODEL)) $(call option,--set,$(SET)) \
		$(call option,--out,$(OUT)) $(call option,--data,$(filter-out synthetic,$(DATA)))

## Put it on a device

bundle: wheel ## make an archive that installs offline: TARGET=linux-aarch64|... PYTHON=3.11 PAD=0 OUT=DIR
	@.venv-test/bin/python -m deploy.bundle --wheel dist/*.whl $(call option,--target,$(TARGET)) \
		$(call option,--python,$(device_python)) $(if $(filter 0,$(PAD)),--without-pygame) $(call option,--out,$(OUT))

test-aarch64: ## install that archive on an emulated 64-bit ARM Debian and read a picture (as root, minutes)
	@$(MAKE) --no-print-directory bundle TARGET=linux-aarch64 PYTHON=3.11
	deploy/test_aarch64.sh bundle/digitpad-*-linux-aarch64-python3.11.tar.gz

## Put it on a page (Node 20 or newer)

web: web/node_modules/.ready ## build the pad as a page for browsers into web/dist, for any static server
	@node web/build.js

serve-web: web ## show it on this machine: PORT=8000
	@PORT="$(PORT)" node web/serve.js

## Measure it

bench: .venv-train/.ready ## time models and runtime against Keras, PyTorch, LiteRT and others: OUT=DIR
	@.venv-train/bin/python -m bench $(call option,--out,$(OUT))

bench-train: .venv-train/.ready ## time our recipe and a classic one to 99.25 % on validation: RECIPE=... OUT=DIR DATA=DIR
	@.venv-train/bin/python -m bench.training $(call option,--recipe,$(RECIPE)) $(call option,--out,$(OUT)) \
		$(call option,--data,$(DATA))

measure-web: web/node_modules/.ready .venv-test/.ready ## measure the page in Chromium, into docs/web.md: CHROMIUM=PATH
	@node web/measure.js

## Work on it

test: test-runtime .venv-train/.ready ## run all tests
	.venv-train/bin/python -m pytest tests --ignore=tests/runtime

test-long: .venv-train/.ready ## kill everything that writes files, hundreds of times, and check the files: KILLS=600 OUT=PAGE
	.venv-train/bin/python -m tests.killing --kills $(or $(KILLS),600) --out "$(or $(OUT),docs/hardening.md)"

test-runtime: .venv-test/.ready ## test the runtime with no training framework installed
	DIGITPAD_SLIM=1 .venv-test/bin/python -m pytest tests/runtime

test-oldest: .venv-oldest/.ready ## test the runtime with the oldest packages allowed (Python 3.11)
	DIGITPAD_SLIM=1 .venv-oldest/bin/python -m pytest tests/runtime

# Tests of memory and of what is imported fail under coverage: `make test` judges those.
coverage: .venv-test/.ready .venv-train/.ready ## run all tests and say which lines they run: 95 % of the runtime, 85 % of training
	-DIGITPAD_SLIM=1 .venv-test/bin/python -m coverage run -m pytest tests/runtime
	.venv-test/bin/python -m coverage combine
	.venv-test/bin/python -m coverage report --include='runtime/*' --fail-under=95
	-.venv-train/bin/python -m coverage run -m pytest tests --ignore=tests/runtime
	.venv-train/bin/python -m coverage combine
	.venv-train/bin/python -m coverage report --include='train/*,evaluate/*,export/*' --fail-under=85

fuzz: .venv-test/.ready ## damage input at random, in very many ways: CASES=100000 OUT=PAGE
	.venv-test/bin/python -m tests.runtime.fuzz --cases $(or $(CASES),100000) --out "$(or $(OUT),docs/fuzzing.md)"

test-web: web/node_modules/.ready ## test the page in Node and in Chromium: CHROMIUM=PATH
	@node web/test/browser.js
	web/node_modules/.bin/tsc -p web
	node --test --test-reporter=spec web/test/*.test.js

lint: .venv-test/.ready ## check format, style and types
	.venv-test/bin/ruff format --check .
	.venv-test/bin/ruff check .
	.venv-test/bin/python -m mypy

wheel: .venv-test/.ready ## build wheel and source archive into dist/
	rm -rf dist
	SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct 2>/dev/null || echo 1767225600) \
		.venv-test/bin/python -m build --no-isolation --outdir dist

lock: ## refresh the lock files in requirements/
	@test -x .venv-lock/bin/uv || { $(PYTHON) -m venv .venv-lock && .venv-lock/bin/python -m pip install --quiet uv; }
	$(COMPILE) pyproject.toml --extra pad --output-file requirements/pad.txt
	$(COMPILE) pyproject.toml --extra pad --group test --output-file requirements/test.txt
	$(COMPILE) pyproject.toml --extra pad --group test --resolution lowest-direct --output-file requirements/oldest.txt
	$(COMPILE) pyproject.toml --extra pad --extra train --group test --group bench --no-config --output-file requirements/train.txt
	echo pip | $(COMPILE) - --output-file requirements/installer.txt

COMPILE = .venv-lock/bin/uv pip compile --quiet --upgrade --universal --python-version 3.11 \
	--generate-hashes --no-emit-index-url --custom-compile-command "make lock"

clean: ## remove the environments and what was built; keep data, weights and models
	rm -rf .venv .venv-test .venv-train .venv-oldest .venv-lock dist bundle web/dist web/node_modules .pytest_cache .mypy_cache .ruff_cache .hypothesis
	rm -f .coverage .coverage.*
	find runtime train evaluate export tests bench deploy -name __pycache__ -type d -prune -exec rm -rf {} +

help:
	@echo "digitpad: a handwritten digit recogniser and drawing pad. First of all: make pad"
	@awk -F ':.*## ' '/^## / { printf "\n%s\n", substr($$0, 4) } /^[a-z0-9-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' Makefile

# Environments: runtime and pad; the same with the test tools; everything, for training and export.

.venv/.ready: requirements/pad.txt
	$(call environment,11,14)

.venv-test/.ready: requirements/test.txt
	$(call environment,11,14)

.venv-train/.ready: requirements/train.txt
	$(call environment,11,13)

.venv-oldest/.ready: requirements/oldest.txt
	$(call environment,11,11)

web/node_modules/.ready: web/package-lock.json
	@web/packages.sh
