# Quell: everything is started from here; `make` alone lists the targets. All output goes under build/.

VERSION := $(shell cat VERSION)
PYTHON  := build/venv/bin/python
CROSS   ?= riscv64-unknown-elf-
YOSYS   ?= yosys
PREFIX  ?= /usr/local
# Where CIFAR-10 lies, if at all: the binary files, or a folder or .tar.xz of a folder per class (used by tests only).
CIFAR10 ?=
export CIFAR10
# Photographs with ImageNet's classes and a network (tools/imagenet.py says what must be there): a folder or .tar.xz.
IMAGENET ?=
export IMAGENET

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

help: ## print this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# ---- set-up ------------------------------------------------------------------------------------------------------------------------------

PACKAGES := $(shell sed 's/#.*//' packages.txt)

setup: build/setup.stamp ## install what is missing: Debian packages (sudo if not root), a Python environment under build/

build/setup.stamp: packages.txt requirements.txt
	@mkdir -p build
	tools/setup.sh packages $(PACKAGES)
	tools/setup.sh python requirements.txt
	@touch $@

setup-train: build/setup-train.stamp ## the same for training: PyTorch

build/setup-train.stamp: build/setup.stamp requirements-train.txt
	tools/setup.sh python requirements-train.txt
	@touch $@

versions: setup ## print the versions of all tools
	@tools/versions.sh

# ---- generated files ----------------------------------------------------------------------------------------------------------------------

gen: build/gen/stamp
build/gen/stamp: hw/regs/quell.rdl hw/denoiser/denoiser.rdl tools/gen_regs.py tools/gen_box_muller.py tools/gen_noise_pairs.py VERSION | build/setup.stamp
	@mkdir -p build/gen
	$(PYTHON) tools/gen_regs.py hw/regs/quell.rdl build/gen
	$(PYTHON) tools/gen_regs.py hw/denoiser/denoiser.rdl build/gen
	build/venv/bin/peakrdl c-header hw/regs/quell.rdl -o build/gen/quell_regs.h
	build/venv/bin/peakrdl c-header hw/denoiser/denoiser.rdl -o build/gen/denoiser_regs.h
	$(PYTHON) tools/gen_box_muller.py build/gen
	$(PYTHON) -m tools.gen_noise_pairs build/gen
	@touch $@

# What objects depend on by name: they are made anew in the same call in which these are.
build/gen/quell_fields.h build/gen/quell_regs.h build/gen/denoiser_regs.h build/gen/box_muller_tables.h build/gen/box_muller_tables.c build/gen/box_muller_pairs.h build/gen/box_muller_pairs.c: build/gen/stamp ;

regs: build/gen/stamp ## renew docs/registers.md from the register description
	cp build/gen/registers.md docs/registers.md

include host/lib/lib.mk
include host/cli/cli.mk
include tests/host/variants.mk
include tests/fuzz/fuzz.mk
include host/stats/stats.mk
include host/install.mk
include fw/fw.mk
include hw/usb/usb.mk
include hw/memory/memory.mk
include sim/sim.mk
include sim/wires/wires.mk
include sim/sdram/sdram.mk
include tests/rtl/rtl.mk
include tests/netlist/netlist.mk
include boards.mk
include tests/qemu/qemu.mk
include train/train.mk

build: build/lib/libquell.a build/lib/libquell.so build/bin/quell build/fw/firmware.hex build/bin/quell-simboard build/bin/quell-simboard-trace ## compile the host tool, the firmware and the simulated board

# ---- what people run -------------------------------------------------------------------------------------------------------------------------

demo: build ## real images through the reference and the simulated chip; writes build/demo/report.html
	$(PYTHON) -m tools.demo --out build/demo

imagenet: build ## IMAGENET=...: a public network on photographs with ImageNet's classes; writes build/imagenet/report.html
	@test -n "$(IMAGENET)" || { echo "IMAGENET=FOLDER-OR-TAR is wanted: see tools/imagenet.py" >&2; exit 2; }
	$(PYTHON) -m tools.imagenet $(IMAGENET) --out build/imagenet $(ARGS)

test: build setup-train tests-build build/bin/noise_stats build/bin/quell-simboard-large ## every test; the last line counts them
	$(PYTHON) -m tests.run

test-cpus: build setup-train tests-build build/bin/quell-simboard-large ## the host and train tests as on other CPUs (docs/testing.md); writes build/cpus.json
	$(PYTHON) -m tests.cpus --json build/cpus.json

bench: build setup-train variants build/bin/noise_stats ## the figures of docs/results.md, into build/bench.json
	$(PYTHON) -m tools.bench --out build/bench.json

noise-stats: build/bin/noise_stats ## the statistics of 10^8 Box-Muller samples (minutes)
	build/bin/noise_stats 100000000 --json build/noise_stats.json

results: ## renew docs/results.md from the last make bench and make synth
	$(PYTHON) -m tools.results

faults: setup build/lib/libquell.a build/gen/stamp $(RTL_RUNTIME) ## one deliberate fault in each RTL block: its bench must catch it
	$(PYTHON) -m tests.rtl.faults

lint: build/gen/stamp build/gen/usb_device.v build/gen/litedram_core.v ## verilator -Wall on the whole chip and the boards: no warning
	tools/lint.sh

synth: build/gen/stamp build/fw/firmware.hex ## ECP5 synthesis of the SoC and of the denoiser alone: build/synth/report.md
	$(PYTHON) -m tools.synth --out build/synth

models: setup-train build/lib/libquell.so ## train backbone and denoising blocks from nothing (says how long it takes)
	$(PYTHON) -m train.make_models

clean: ## delete what was built; the Python environment stays
	find build -mindepth 1 -maxdepth 1 ! -name venv ! -name 'setup*.stamp' -exec rm -rf {} +

.PHONY: results help setup setup-train versions gen regs build demo imagenet test test-cpus tests-build bench noise-stats faults lint synth models clean
