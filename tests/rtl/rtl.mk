# Unit benches: tests/rtl/<module>_tb.cpp drives module <module>, found by file name in the folders below hw/.
# `make rtl-<module>` builds and runs one (TRACE=1 for waveforms, ARGS for the bench); `make rtl` runs all.
# A bench may name Verilator options, for example parameters, in a line `// verilator: -GWIDTH=8`.

HW_ROOT     ?= hw
HW_DIRS     := $(addprefix $(HW_ROOT)/,array noise denoiser post soc usb memory)
VERILATOR   ?= verilator
VERILATOR_FLAGS := -Wall --default-language 1800-2017 hw/waivers.vlt $(addprefix -y ,$(HW_DIRS)) -y build/gen -Ibuild/gen
RTL_BENCHES := $(sort $(patsubst tests/rtl/%_tb.cpp,%,$(wildcard tests/rtl/*_tb.cpp)))
HW_SOURCES  := $(wildcard $(addsuffix /*.sv,$(HW_DIRS)))
RTL_BUILD   := build/rtl$(if $(TRACE),-trace)
# Verilator's run-time library is the same for all benches without waveforms: two thirds of a small bench's build, so it is compiled once.
RTL_RUNTIME := $(if $(TRACE),,build/rtl/runtime/verilated.o build/rtl/runtime/verilated_threads.o)

rtl: $(addprefix rtl-,$(RTL_BENCHES))

$(addprefix rtl-,$(RTL_BENCHES)): rtl-%: $(RTL_BUILD)/%/bench
	$< $(ARGS)

$(RTL_BUILD)/%/bench: tests/rtl/%_tb.cpp tests/rtl/tb.h $(HW_SOURCES) hw/waivers.vlt build/lib/libquell.a build/gen/stamp $(RTL_RUNTIME)
	@mkdir -p $(@D)
	@$(if $(RTL_RUNTIME),cp -p $(RTL_RUNTIME) $(@D))
	@$(VERILATOR) $(VERILATOR_FLAGS) --cc --exe --build -j 1 $(if $(TRACE),--trace) \
	  $$(sed -n 's,^// verilator: ,,p' $<) --top-module $* -Mdir $(@D) -o bench \
	  -CFLAGS "-std=c++17 -O1 -I$(CURDIR)/host/lib -I$(CURDIR)/fw/include -I$(CURDIR)/build/gen -I$(CURDIR)/tests/rtl" \
	  -LDFLAGS "-lm -lz" $$(ls $(HW_ROOT)/*/$*.sv 2>/dev/null) $(CURDIR)/$< $(CURDIR)/build/lib/libquell.a > $(@D)/log 2>&1 || (cat $(@D)/log; exit 1)
	@touch $@

build/rtl/runtime/%.o:
	@mkdir -p $(@D)
	@root=$$($(VERILATOR) --getenv VERILATOR_ROOT) && $(CXX) -std=c++17 -Os -faligned-new -fcf-protection=none -DVM_COVERAGE=0 -DVM_SC=0 \
	  -DVM_TRACE=0 -DVM_TRACE_FST=0 -DVM_TRACE_VCD=0 -I$$root/include -I$$root/include/vltstd -w -c $$root/include/$*.cpp -o $@

# The USB link is tested on its wires.
$(RTL_BUILD)/usb_link/bench: build/gen/usb_device.v $(wildcard sim/wires/usb_*)

# The DMA, the loader, the whole external memory on the SDRAM's pins.
$(addprefix $(RTL_BUILD)/,dma_sdram/bench loader_sdram/bench memory_sdram/bench): build/gen/litedram_core.v $(wildcard tests/rtl/*_sdram.sv) tests/rtl/sdram_bench.h $(wildcard sim/sdram/*)

tests-build: $(RTL_RUNTIME)

.PHONY: rtl $(addprefix rtl-,$(RTL_BENCHES))
