# The simulated board: build/bin/quell-simboard. Waveforms cost nothing when not asked for (docs/soc.md), so there is one build.
CPU_DIR      = $(shell $(PYTHON) -c 'import pythondata_cpu_picorv32 as p; print(p.data_location)')
SIM_RTL     := $(wildcard hw/array/*.sv hw/noise/*.sv hw/denoiser/*.sv hw/post/*.sv hw/soc/*.sv)
SIM_SOURCES  = build/gen/quell_regs_pkg.sv hw/soc/soc.sv
SIM_BUILD   := build/sim
# Quell's version and the hash of the hardware's sources, as the chip reports them.
HW_VERSION   = $(shell awk -F. '{print $$1 * 65536 + $$2 * 256 + $$3}' VERSION)
HW_HASH      = $(shell cat $(sort $(SIM_RTL)) hw/regs/quell.rdl | sha256sum | cut -c1-8)
# SIM_STUB: a folder searched first, for chips with stand-ins for some units
SIM_FLAGS    = --cc --exe --build -j 1 -O3 --x-assign fast --x-initial fast --noassert --trace-fst --default-language 1800-2017 \
               $(addprefix -y ,$(SIM_STUB) $(HW_DIRS) build/gen $(CPU_DIR)) -Ibuild/gen hw/waivers.vlt sim/simboard.vlt

sim: build/bin/quell-simboard ## the simulated board

$(SIM_BUILD)/firmware.inc: build/fw/firmware.hex
	@mkdir -p $(@D)
	sed 's/.*/0x&,/' $< > $@

build/bin/quell-simboard: sim/simboard.cpp sim/simboard.vlt hw/waivers.vlt $(SIM_RTL) $(SIM_BUILD)/firmware.inc VERSION build/gen/stamp
	@mkdir -p build/bin
	$(VERILATOR) $(SIM_FLAGS) -GVERSION=$(HW_VERSION) -GBUILD="32'sh$(HW_HASH)" --top-module soc -Mdir $(SIM_BUILD) -o $(CURDIR)/$@ \
	  -MAKEFLAGS "OPT_FAST=-O3 OPT_GLOBAL=-O2" -CFLAGS "-std=c++17 -I$(CURDIR)/$(SIM_BUILD) -DQUELL_VERSION='\"$(VERSION)\"'" -LDFLAGS "-lz" \
	  $(SIM_SOURCES) $(CURDIR)/sim/simboard.cpp > $(SIM_BUILD)/log 2>&1 || (tail -40 $(SIM_BUILD)/log; exit 1)
	@touch $@

.PHONY: sim
