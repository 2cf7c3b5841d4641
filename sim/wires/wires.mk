# The Verilated board top with a USB host on D+ and D-: build/bin/quell-wires (docs/wires.md), and quell-wires-trace, the same with waveforms.
# The model is compiled once for all programs; the host's C++ anew without it.
WIRES_BUILD  := build/wires
WIRES_RTL    := $(SIM_RTL) $(wildcard hw/usb/*.sv) $(wildcard hw/boards/*.sv) $(wildcard sim/wires/*.sv)
WIRES_FLAGS   = --cc -O3 --x-assign fast --x-initial fast --noassert --default-language 1800-2017 \
                $(addprefix -y ,sim/wires $(SIM_STUB) $(HW_DIRS) $(filter-out $(HW_DIRS),hw/usb hw/boards) build/gen $(CPU_DIR)) -Ibuild/gen hw/waivers.vlt sim/simboard.vlt sim/wires/wires.vlt \
                -Wno-fatal -Wno-WIDTH -Wno-CASEINCOMPLETE -Wno-CASEOVERLAP -GVERSION=$(HW_VERSION) -GBUILD="32'sh$(HW_HASH)" --top-module wires_top build/gen/quell_regs_pkg.sv sim/wires/wires_top.sv
WIRES_INPUTS  =  sim/simboard.vlt sim/wires/wires.vlt hw/waivers.vlt $(WIRES_RTL) build/gen/usb_device.v VERSION build/gen/stamp
WIRES_OBJECTS = verilated.o verilated_dpi.o verilated_threads.o
WIRES_CPP    := $(wildcard sim/wires/*.cpp)
WIRES_CFLAGS  = -std=c++17 -O2 -Wall -Wextra -isystem $$($(VERILATOR) --getenv VERILATOR_ROOT)/include -isystem $$($(VERILATOR) --getenv VERILATOR_ROOT)/include/vltstd \
                -I$(SIM_BUILD) -Isim -Ifw/include -DQUELL_VERSION='"$(VERSION)"' -DVM_COVERAGE=0 -DVM_SC=0 -DVM_TRACE_VCD=0

wires: build/bin/quell-wires build/bin/quell-wires-trace ## the board on simulated USB wires

# One model: folder, Verilator's options for waveforms, optimisation.
define WIRES_MODEL
$(WIRES_BUILD)/$(1)/Vwires_top__ALL.a: $(WIRES_INPUTS)
	@mkdir -p $$(@D)
	@rm -f $$(@D)/*.o $$(@D)/*.a
	@($$(VERILATOR) $$(WIRES_FLAGS) $(2) -Mdir $$(@D) && \
	$$(MAKE) -j 2 -C $$(@D) -f Vwires_top.mk CXX=clang++ LINK=clang++ OPT_FAST=$(3) OPT_GLOBAL=-O2 Vwires_top__ALL.a $$(WIRES_OBJECTS) $(4)) > $$(@D)/log 2>&1 & . tools/progress.sh; watch $$$$! "the board on simulated wires ($(1))" 40 $$(@D)/log
	@touch $$@
endef
$(eval $(call WIRES_MODEL,model,,-O2,))
$(eval $(call WIRES_MODEL,trace,--trace-fst,-O1,verilated_fst_c.o))

$(WIRES_BUILD)/%.o: sim/wires/%.cpp $(wildcard sim/wires/*.h) sim/firmware.h fw/include/quell_usb.h fw/include/quell_protocol.h $(SIM_BUILD)/firmware.inc $(WIRES_BUILD)/model/Vwires_top__ALL.a
	clang++ $(WIRES_CFLAGS) -I$(WIRES_BUILD)/model -DVM_TRACE=0 -DVM_TRACE_FST=0 -c $< -o $@

$(WIRES_BUILD)/board_trace.o: sim/wires/board.cpp $(wildcard sim/wires/*.h) sim/firmware.h $(SIM_BUILD)/firmware.inc $(WIRES_BUILD)/trace/Vwires_top__ALL.a
	clang++ $(WIRES_CFLAGS) -I$(WIRES_BUILD)/trace -DVM_TRACE=1 -DVM_TRACE_FST=1 -c $< -o $@

WIRES_O := $(patsubst sim/wires/%.cpp,$(WIRES_BUILD)/%.o,$(WIRES_CPP))

build/bin/quell-wires: $(WIRES_O)
	@mkdir -p build/bin
	clang++ $^ $(WIRES_BUILD)/model/Vwires_top__ALL.a $(addprefix $(WIRES_BUILD)/model/,$(WIRES_OBJECTS)) -lusbredirparser -lz -pthread -latomic -o $@

build/bin/quell-wires-trace: $(filter-out $(WIRES_BUILD)/board.o,$(WIRES_O)) $(WIRES_BUILD)/board_trace.o
	@mkdir -p build/bin
	clang++ $^ $(WIRES_BUILD)/trace/Vwires_top__ALL.a $(addprefix $(WIRES_BUILD)/trace/,$(WIRES_OBJECTS) verilated_fst_c.o) -lusbredirparser -lz -pthread -latomic -o $@

.PHONY: wires

build/tests/wires_packets: tests/wires/packet_test.cpp sim/wires/usb_packet.cpp sim/wires/usb_line.cpp $(wildcard sim/wires/*.h)
	@mkdir -p $(@D)
	clang++ -std=c++17 -O1 -Wall -Wextra -Isim/wires $(filter %.cpp,$^) -o $@

tests-build: build/bin/quell-wires build/tests/wires_packets
bench: build/bin/quell-wires
