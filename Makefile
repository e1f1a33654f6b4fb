# On a fresh machine with Python >= 3.11: `make lab` opens the course, `make test` runs every test.
# With TORCH=cpu (`make lab TORCH=cpu`), either takes PyTorch's builds without GPU libraries: about 2 GB, not 7.
BIN := .venv/bin
PYTHON ?= $(firstword $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p; done) python3)

lab: .venv/lab
	$(BIN)/jupyter lab nbs/index.ipynb $(if $(filter 0,$(shell id -u)),--allow-root)

# Two at a time; a thread that waits leaves its core to the others.
PYTEST := OMP_WAIT_POLICY=PASSIVE $(BIN)/pytest -n 2 --dist worksteal --durations=25

test: .venv/dev browser check
	$(PYTEST)

# One that is there, else Debian's or Playwright's.
browser: .venv/dev
	$(BIN)/python tools/chromium.py

check: .venv/dev
	$(BIN)/python tools/check.py

test-all: .venv/dev .venv/hub check
	$(BIN)/python tools/chromium.py --others
	$(PYTEST) -m "extra or not extra"
	$(BIN)/python tools/mutants.py

bench: .venv/dev
	$(BIN)/python tools/bench.py

# The tests with the lowest and the newest versions, on each Python there is: twenty minutes and 7 GB a row.
matrix: .venv/dev
	$(BIN)/python tools/matrix.py --write

# Run every notebook and store what it prints, then write README.md from the front page.
notebooks: .venv/dev
	$(BIN)/nbdev-export
	$(BIN)/python tools/notebooks.py
	$(BIN)/python tools/minutes.py --write
	$(BIN)/python tools/readme.py

# Write what settings.ini says everywhere else.
sync: .venv/dev
	$(BIN)/python tools/cheat_sheet.py
	$(BIN)/study-group sync
	$(BIN)/python tools/minutes.py --write
	$(BIN)/nbdev-export
	$(BIN)/python tools/readme.py

readme: .venv/dev
	$(BIN)/python tools/readme.py

# The sessions' slides, one file each in _slides/; each page is looked at.
slides: .venv/dev
	$(BIN)/python tools/slides.py

# The course as pages that need no kernel and no network, in _site/; each is opened in a browser.
site: .venv/dev
	$(BIN)/python tools/website.py

# The whole group on one server, at http://127.0.0.1:8000; its proxy comes from npm.
hub: .venv/hub
	$(BIN)/jupyterhub -f deploy/jupyterhub_config.py

screenshots: .venv/dev
	$(BIN)/python tools/screenshots.py

# What is installed is kept: PyTorch, put there first and alone, is what all the rest gets. Without TORCH=cpu, and without
# an NVIDIA card that is to be seen, a line says what is about to be downloaded.
PIP := $(BIN)/python -m pip install -q -c tools/constraints.txt
TORCH_INDEX := https://download.pytorch.org/whl/cpu
HINT := PyTorch comes with GPU libraries (up to 7 GB in all), and no NVIDIA card is to be seen here. \
	For about 2 GB, stop this (Ctrl+C) and say: make $(firstword $(MAKECMDGOALS) lab) TORCH=cpu
torch-cpu = $(PIP) --no-deps --index-url $(TORCH_INDEX) torch torchvision
torch- = @test "$$(uname)" != Linux || command -v nvidia-smi >/dev/null || \
	$(PIP) --no-index --no-deps torch 2>/dev/null || echo "$(HINT)"
ifndef torch-$(TORCH)
$(error TORCH=$(TORCH) isn't known: say TORCH=cpu, or leave it out)
endif

# An installation counts as done when its mark is newer than what it installs.
.venv/lab .venv/dev: .venv/%: pyproject.toml tools/constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed")'
	$(torch-$(TORCH))
	$(PIP) -e ".[$*]"
	touch $@

PROXY := configurable-http-proxy@5.3.0
.venv/hub: .venv/dev
	$(PIP) -e ".[hub]"
	PATH="$$PATH:$(abspath $(BIN))" npm install --silent --prefix .cache/hub $(PROXY)
	touch $@

.PHONY: lab test browser check test-all bench matrix notebooks sync readme slides site hub screenshots
