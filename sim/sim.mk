# The simulated board: build/bin/quell-simboard. Its --trace starts quell-simboard-trace, the same chip built with waveforms: they cost 10 % when not asked for (docs/soc.md).
CPU_DIR      = $(shell $(PYTHON) -c 'import pythondata_cpu_picorv32 as p; print(p.data_location)')
SIM_RTL     := $(wildcard hw/array/*.sv hw/noise/*.sv hw/denoiser/*.sv hw/post/*.sv hw/memory/*.sv hw/soc/*.sv)
SIM_SOURCES  = build/gen/quell_regs_pkg.sv sim/simboard_top.sv
SIM_BUILD   := build/sim
# Quell's version and the hash of the hardware's sources, as the chip reports them.
HW_VERSION   = $(shell awk -F. '{print $$1 * 65536 + $$2 * 256 + $$3}' VERSION)
HW_HASH      = $(shell cat $(sort $(SIM_RTL)) hw/regs/quell.rdl | sha256sum | cut -c1-8)
# SIM_STUB: a folder searched first, for chips with stand-ins for some units
SIM_FLAGS    = --cc --exe -O3 --x-assign fast --x-initial fast --noassert --default-language 1800-2017 \
               $(addprefix -y ,$(SIM_STUB) $(HW_DIRS) sim/sdram build/gen $(CPU_DIR)) -Ibuild/gen hw/waivers.vlt sim/simboard.vlt \
               -GVERSION=$(HW_VERSION) -GBUILD="32'sh$(HW_HASH)" --top-module simboard_top \
               -CFLAGS "-std=c++17 -I$(CURDIR)/$(SIM_BUILD) -DQUELL_VERSION='\"$(VERSION)\"'" $(SIM_SOURCES) $(addprefix $(CURDIR)/sim/,simboard.cpp sdram/sdram_chip.cpp)
SIM_INPUTS   = sim/sim.mk sim/simboard.cpp sim/simboard_top.sv $(wildcard sim/sdram/*) build/gen/litedram_core.v sim/firmware.h sim/simboard.vlt hw/waivers.vlt $(SIM_RTL) $(SIM_BUILD)/firmware.inc VERSION build/gen/stamp

sim: build/bin/quell-simboard build/bin/quell-simboard-trace ## the simulated board

$(SIM_BUILD)/firmware.inc: build/fw/firmware.hex
	@mkdir -p $(@D)
	sed 's/.*/0x&,/' $< > $@

# Built twice: the first one counts branches while it runs two images, the second one is laid out by that. Clang's is 13 % faster than gcc's (docs/soc.md).
SIM_MAKE      = $(MAKE) -j 2 -C $(SIM_BUILD) -f Vsimboard_top.mk CXX=clang++ LINK=clang++ OPT_GLOBAL=-O2
SIM_TRAIN     = LLVM_PROFILE_FILE=$(CURDIR)/$(SIM_BUILD)/branches.raw build/bin/quell run --device sim --simulator $(SIM_BUILD)/instrumented --limit 2 --model models/resnet8_fmnist_denoised.onnx \
                --images /usr/share/datasets/fashion-mnist/t10k-images-idx3-ubyte.gz --profile profiles/additive.json --denoiser mean

build/bin/quell-simboard: $(SIM_INPUTS) | build/bin/quell
	@mkdir -p build/bin
	@rm -f $(SIM_BUILD)/*.o $(SIM_BUILD)/*.a $(SIM_BUILD)/instrumented
	@($(VERILATOR) $(SIM_FLAGS) -Mdir $(SIM_BUILD) -o instrumented && \
	$(SIM_MAKE) OPT_FAST="-O2 -fprofile-instr-generate" LDFLAGS=-fprofile-instr-generate && $(SIM_TRAIN) && \
	llvm-profdata merge -o $(SIM_BUILD)/branches $(SIM_BUILD)/branches.raw && rm $(SIM_BUILD)/*.o $(SIM_BUILD)/*.a $(SIM_BUILD)/instrumented && \
	$(SIM_MAKE) OPT_FAST="-O2 -fprofile-instr-use=branches") > $(SIM_BUILD)/log 2>&1 & . tools/progress.sh; watch $$! "the simulated chip" 40 $(SIM_BUILD)/log
	@mv $(SIM_BUILD)/instrumented $@

build/bin/quell-simboard-trace: $(SIM_INPUTS)
	@mkdir -p build/bin $(SIM_BUILD)_trace
	@($(VERILATOR) --trace-fst $(SIM_FLAGS) -Mdir $(SIM_BUILD)_trace -o $(CURDIR)/$@ -LDFLAGS -lz && \
	$(MAKE) -j 2 -C $(SIM_BUILD)_trace -f Vsimboard_top.mk CXX=clang++ LINK=clang++ OPT_FAST=-O1 OPT_GLOBAL=-O1) > $(SIM_BUILD)_trace/log 2>&1 & . tools/progress.sh; watch $$! "the simulated chip with waveforms" 25 $(SIM_BUILD)_trace/log

# A chip with memories for the experiment's largest backbone; no part of the family has as much. For its cycles.
SIM_LARGE     = -GWEIGHT_WORDS=32768 -GACT_WORDS=32768 -GCONST_WORDS=4096 -GROW_WORDS=1024 -GDN_PAIR_WORDS=2048 -GDN_ROW_WORDS=512 -GLINE_PAIRS=2048 -GTABLES=64
build/bin/quell-simboard-large: $(SIM_INPUTS)
	@mkdir -p build/bin $(SIM_BUILD)_large
	@($(VERILATOR) $(SIM_FLAGS) $(SIM_LARGE) -Mdir $(SIM_BUILD)_large -o $(CURDIR)/$@ && \
	$(MAKE) -j 2 -C $(SIM_BUILD)_large -f Vsimboard_top.mk CXX=clang++ LINK=clang++ OPT_FAST=-O2 OPT_GLOBAL=-O1) > $(SIM_BUILD)_large/log 2>&1 & . tools/progress.sh; watch $$! "the simulated chip with large memories" 25 $(SIM_BUILD)_large/log

.PHONY: sim
