# Two environments, made when they are first needed and again when setup.py or this file changes:
#   .venv        ROS 2 Kilted from PyPI wheels; runs the demo, and with torch all the tests
#   .venv-jazzy  ROS 2 Jazzy from PyPI wheels, no torch; runs the tests of the ROS node again
# Another Python (3.10 to 3.13): make PYTHON=python3.12 ...

PYTHON ?= python3
# Where CPU builds of torch are; make TORCH_INDEX= takes the default index's, which on Linux is
# the CUDA build of several gigabytes.
TORCH_INDEX ?= https://download.pytorch.org/whl/cpu
TORCH := torch==2.13.0 torchvision==0.28.0

VENV := .venv
JAZZY := .venv-jazzy
INSTALL := -m pip install --quiet --no-compile --disable-pip-version-check --no-input

# A sourced ROS installation would get in the way of the wheels' ROS.
unexport PYTHONPATH PYTHONHOME LD_LIBRARY_PATH AMENT_PREFIX_PATH RMW_IMPLEMENTATION ROS_DISTRO
unexport _ROS_WHEELS_BOOTSTRAP_COMPLETE

.PHONY: help demo test test-fast lint docs wheel ptx venv clean
.DELETE_ON_ERROR:

help:  ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-9s %s\n", $$1, $$2 }' Makefile

demo: $(VENV)/.demo-ready  ## see it work, without ROS, a GPU or a camera
	@$(VENV)/bin/unihpe demo

test: $(VENV)/.test-ready $(JAZZY)/.test-ready lint  ## check style and types, run all tests
	@echo '== tests (Kilted)'
	@$(VENV)/bin/python -m pytest
	@echo '== tests of the ROS node (Jazzy)'
	@$(JAZZY)/bin/python -m pytest test/ros test/node_trial

test-fast: $(VENV)/.test-ready  ## run the fast tests, on all cores: under a minute on two
	@$(VENV)/bin/python -m pytest -n auto -m 'not slow and not ros'

lint: $(VENV)/.test-ready  ## check style and types
	@echo '== style and types'
	@$(VENV)/bin/ruff check --quiet
	@$(VENV)/bin/ruff format --check --quiet
	@$(VENV)/bin/mypy

docs: $(VENV)/.docs-ready  ## build the documentation site in out/site, check its links
	@echo '== documentation'
	@# Not --quiet: it hides warnings from the strict mode too, which then lets them pass.
	@NO_MKDOCS_2_WARNING=1 $(VENV)/bin/python -m mkdocs build --strict
	@echo 'out/site/index.html'

wheel: $(VENV)/.demo-ready  ## build a wheel in out/wheel, for machines without this checkout
	@$(VENV)/bin/python -m pip wheel --quiet --no-deps --wheel-dir out/wheel .
	@ls out/wheel/*.whl

ptx: $(VENV)/.test-ready  ## compile the CUDA kernels again, after a change of engines/*.cu
	@$(VENV)/bin/python -c 'from unihpe_ros.engines.nvrtc import write_ptx; print(*write_ptx())'

venv: $(VENV)/.test-ready $(JAZZY)/.test-ready  ## set up both environments

clean:  ## remove build outputs and caches; environments go with rm -rf .venv .venv-jazzy
	rm -rf build install log *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find unihpe_ros test launch examples experiments docs -name __pycache__ -prune -exec rm -rf {} +

$(VENV)/.demo-ready: setup.py Makefile | $(VENV)/bin/python
	@echo 'Setting up $(VENV) (once)'
	@$(VENV)/bin/python $(INSTALL) --editable '.[ros,bag]'
	@touch $@

$(VENV)/.test-ready: $(VENV)/.demo-ready
	@echo 'Adding torch and the test tools to $(VENV) (once; some minutes)'
	@test -z '$(TORCH_INDEX)' || $(VENV)/bin/python $(INSTALL) --no-deps --retries 0 --timeout 15 \
		--index-url '$(TORCH_INDEX)' $(TORCH) 2>$(VENV)/torch.log \
		|| echo 'Not there: $(TORCH) in $(TORCH_INDEX); trying the default index'
	@$(VENV)/bin/python $(INSTALL) --editable '.[ros,bag,train,synthesis,openvino,tensorrt-rtx,test,dev]'
	@touch $@

$(VENV)/.docs-ready: $(VENV)/.demo-ready
	@echo 'Adding the tools of the documentation to $(VENV) (once)'
	@$(VENV)/bin/python $(INSTALL) --editable '.[docs]'
	@touch $@

$(JAZZY)/.test-ready: setup.py Makefile | $(JAZZY)/bin/python
	@echo 'Setting up $(JAZZY) (once)'
	@$(JAZZY)/bin/python $(INSTALL) --editable '.[ros-jazzy,bag,test]'
	@touch $@

%/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { \
		echo 'Python 3.10 or newer is needed; name one: make PYTHON=python3.11' >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo '$(PYTHON) cannot make environments: sudo apt install python3-venv' >&2; exit 1; }
	@$(PYTHON) -m venv --clear $*
