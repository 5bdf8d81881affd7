# The commands of this house. Everything that is installed goes into .venv/ and fiji_plugin/target/.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
MVN ?= mvn
MVN_FLAGS ?= -B -q -ntp -Dstyle.color=never
# Maven resets the colours of a terminal at its end, also where it writes into a file.
export MAVEN_OPTS := $(MAVEN_OPTS) -Djansi.noreset=true
DIST ?= dist
SITE ?= dist/update-site
# Processes that share the tests, a file each: most wait for Java, a service or a window.
WORKERS ?= 2
STAGE := build/wheel
JAR_SOURCES := $(shell find fiji_plugin/src fiji_plugin/pom.xml macros/toolsets -type f 2>/dev/null | sed 's/ /\\ /g')

.PHONY: help setup demo wheel update-site test test-fast check lint format clean

help:
	@echo "make demo    set up, then the whole workflow on generated pictures (results in demo/)"
	@echo "make test    set up, then every test: Python, Java, display, browser, data"
	@echo "make check   format, lint, types, import contracts, fast tests"
	@echo "make setup   .venv/ with the command deepflash, and the Fiji plugin jar"
	@echo "make wheel   one file in dist/ with service, plugin and macros, for pip install"
	@echo "make update-site SITE=DIR   plugin and macros as an ImageJ update site (default dist/update-site)"

setup: $(VENV)/.installed fiji_plugin/target/.built

$(VENV)/.installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit("DeepFLaSH needs Python 3.11 or newer, this is " + sys.version.split()[0] + "; try: make PYTHON=python3.11") if sys.version_info < (3, 11) else None'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing the Python packages into $(VENV) (3 GB; about five minutes the first time) ..."
	@quiet=--quiet; test -t 1 && quiet=; \
	  $(BIN)/python -m pip install $$quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

fiji_plugin/target/.built: $(JAR_SOURCES)
	@command -v javac >/dev/null && command -v $(MVN) >/dev/null || \
	  { echo "The Fiji plugin needs a JDK (11 or newer) and Maven: install both (Debian: default-jdk maven), then try again." >&2; exit 1; }
	@echo "Building the Fiji plugin ..."
	@$(MVN) $(MVN_FLAGS) -f fiji_plugin/pom.xml package -DskipTests
	@touch $@

demo: setup
	@$(BIN)/deepflash demo --output demo

# The wheel is made from a copy, so that jar and macros of a build never lie in the source folder.
wheel: setup
	@rm -rf $(STAGE) && mkdir -p $(STAGE)/deepflash_service
	@cp -r deepflash_service pyproject.toml README.md LICENSE $(STAGE)/
	@rm -rf $(STAGE)/deepflash_service/fiji && mkdir $(STAGE)/deepflash_service/fiji
	@cp fiji_plugin/target/DeepFLaSH_Fiji-*.jar $(STAGE)/deepflash_service/fiji/
	@cp -r macros $(STAGE)/deepflash_service/fiji/macros
	@$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir $(DIST) $(STAGE)
	@rm -rf $(STAGE)
	@ls $(DIST)/deepflash_service-*.whl

update-site: setup
	@$(BIN)/deepflash update-site $(SITE)

test: setup
	@$(MVN) $(MVN_FLAGS) -f fiji_plugin/pom.xml verify
	@touch fiji_plugin/target/.built
	@code=0; $(BIN)/python -m pytest -m alone || code=1; \
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --durations=25 -m "not alone" || code=1; exit $$code

test-fast: setup
	@$(BIN)/python -m pytest -m "not keras and not slow and not jvm and not xvfb and not browser and not data"

check: lint test-fast

lint: setup
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: setup
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

clean:
	rm -rf $(VENV) fiji_plugin/target demo build dist *.egg-info
