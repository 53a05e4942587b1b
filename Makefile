# Short commands for people; CMakePresets.json holds the real settings. Bare `make` prints them.

# With CI=true in the environment, warnings are errors.
PRESET := $(if $(CI),ci,release)
JOBS   ?= $(shell nproc)

MAKEFLAGS += --no-print-directory

PACKAGES     := g++ cmake make libeigen3-dev libcli11-dev nlohmann-json3-dev doctest-dev \
                libstb-dev zlib1g-dev libxxhash-dev
DATA_PACKAGES := dataset-fashion-mnist
DEV_PACKAGES := clang-format-14 clang-tidy-14 libomp-14-dev

SOURCES = $(shell git ls-files '*.cpp' '*.h')

.DEFAULT_GOAL := help
.PHONY: help deps deps-dev deps-data build program demo figures test test-asan test-tsan bench format \
        format-check tidy tidy-changed clean

help: ## print this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 14

# $(call install,PACKAGES): installs those that are missing, on Debian and its relatives.
define install
@command -v dpkg-query >/dev/null || { \
  echo "make: not a Debian system; install the equivalents of: $(1)" >&2; exit 0; }; \
missing=; for package in $(1); do \
  dpkg-query -W -f '$${Status}' $$package 2>/dev/null | grep -q 'ok installed' \
    || missing="$$missing $$package"; \
done; \
test -n "$$missing" || exit 0; \
if [ "$$(id -u)" = 0 ]; then sudo=; \
elif command -v sudo >/dev/null; then sudo=sudo; \
else echo "make: as root, run: apt-get install$$missing" >&2; exit 1; fi; \
echo "Installing$$missing"; \
$$sudo apt-get update -qq </dev/null && \
$$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
  $$missing </dev/null
endef

deps: ## install what the build needs and this machine lacks (apt)
	$(call install,$(PACKAGES))

deps-dev: deps ## the same for format and tidy
	$(call install,$(DEV_PACKAGES))

deps-data: ## install Fashion-MNIST, images to fit (/usr/share/datasets/fashion-mnist)
	$(call install,$(DATA_PACKAGES))

build: deps ## build the program, the library and the tests into build/release
	@cmake --preset $(PRESET)
	@cmake --build --preset $(PRESET) -j $(JOBS)

program: deps # the program alone: a demonstration need not wait for the tests to be built
	@cmake --preset $(PRESET)
	@cmake --build --preset $(PRESET) -j $(JOBS) --target iflow

# $(call show,COMMAND): prints a command, then runs it in the demo's folder.
show = @echo '$$ $(1)'; cd build/demo && $(1)

demo: export PATH := $(CURDIR)/build/$(PRESET):$(PATH)
demo: program ## fit a density to 10,000 points, judge it on 100,000 others, draw the picture
	@mkdir -p build/demo
	$(call show,iflow toy moons -n 10000 > moons.csv)
	$(call show,iflow fit moons.csv --force)
	$(call show,iflow toy moons -n 100000 --seed 2 > heldout.csv)
	$(call show,iflow eval moons.iflow heldout.csv)
	$(call show,iflow plot moons.iflow moons.csv -o moons.png)
	@echo 'The picture: build/demo/moons.png'

figures: program ## fit five models to the eight toys: a picture of their densities, how far off they are
	@IFLOW=build/$(PRESET)/iflow tests/bench/figures.sh build/figures
	@echo 'The picture: build/figures/figures.png'

test: build ## build and run every test
	@ctest --preset $(PRESET) -j $(JOBS)

test-asan: deps ## the same under the address and undefined-behaviour sanitizers
	@cmake --preset asan
	@cmake --build --preset asan -j $(JOBS)
	@ctest --preset asan -j $(JOBS)

test-tsan: deps-dev ## the tests of threads and of training under the thread sanitizer
	$(call install,clang-14)
	@cmake --preset tsan
	@cmake --build --preset tsan -j $(JOBS)
	@ctest --preset tsan -j $(JOBS)

bench: build ## measure the kernels and a training step
	@build/$(PRESET)/iflow_bench

format: ## lay out the sources by .clang-format
	@clang-format-14 -i $(SOURCES)

format-check: ## fail if format would change anything
	@clang-format-14 --dry-run --Werror $(SOURCES)

tidy: deps-dev ## lint lib/ and app/; findings are errors
	@cmake --preset dev -B build/tidy -DIFLOW_HAVE_MOVE_MAX=OFF  # which clang doesn't know
	@run-clang-tidy-14 -quiet -j $(JOBS) -p build/tidy '$(CURDIR)/(lib|app)/'

# What tidy-changed compares with: the branch that others see, or where that is this commit, the last one.
CHANGED_SINCE = $(shell base=$$(git rev-parse -q --verify origin/main); \
                  test -n "$$base" -a "$$base" != "$$(git rev-parse HEAD)" && echo $$base || git rev-parse HEAD~1)

tidy-changed: deps-dev ## lint the sources of lib/ and app/ that changed since origin/main
	@cmake --preset dev -B build/tidy -DIFLOW_HAVE_MOVE_MAX=OFF >/dev/null
	@files=$$(git diff --name-only --diff-filter=d $(CHANGED_SINCE) -- 'lib/*.cpp' 'app/*.cpp'); \
	echo "Linting what changed since $(CHANGED_SINCE)"; \
	test -z "$$files" || run-clang-tidy-14 -quiet -j $(JOBS) -p build/tidy $$(printf '%s ' $$files)

clean: ## remove build/
	@rm -rf build
