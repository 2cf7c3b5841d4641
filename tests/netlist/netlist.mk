# Benches on netlists (docs/netlist.md): Yosys synthesises the module for ECP5 as for a bitstream, Verilator simulates the result, the bench of tests/rtl
# drives it. `make netlist-<module>` builds and runs one; ARGS go to the bench, FAULTS=n
# adds faults.

NETLIST_BENCHES := mul8 box_muller gaussian_source command_channel async_fifo bulk_in bulk_out usb_link dma memory_loader denoiser_ip
# Look-up tables of each netlist that can be spoilt.
NETLIST_SITES   := 20
NETLIST_CELLS   := $(wildcard sim/cells/*.sv) sim/cells/netlist_fault.cpp
NETLIST_FLOW    := tests/netlist/synth.py tools/pnr.py tools/boards.py
NETLIST_FLAGS   := --cc --exe -O3 --x-assign 1 --x-initial fast --default-language 1800-2017 -Wno-fatal -Wno-lint -Wno-style
NETLIST_CFLAGS   = -std=c++17 -O1 -I$(CURDIR)/host/lib -I$(CURDIR)/fw/include -I$(CURDIR)/build/gen -I$(CURDIR)/tests/rtl

netlist: netlist-proofs $(addprefix netlist-,cells_models $(NETLIST_BENCHES)) netlist-faults ## benches on Yosys's netlists, faults in these

netlist-build: $(patsubst %,build/netlist/%/bench,cells_models $(NETLIST_BENCHES))

netlist-proofs:
	$(PYTHON) -m tests.netlist.proofs

netlist-faults: $(patsubst %,build/netlist/%/bench,$(NETLIST_BENCHES))
	$(PYTHON) -m tests.netlist.faults $(NETLIST_BENCHES)

$(addprefix netlist-,cells_models $(NETLIST_BENCHES)): netlist-%: build/netlist/%/bench
	$< $(ARGS)
	$(if $(FAULTS),$(if $(filter $*,$(NETLIST_BENCHES)),$(PYTHON) -m tests.netlist.faults --first $(FAULTS) $*))

build/netlist/%/netlist.v: tests/rtl/%_tb.cpp $(HW_SOURCES) build/gen/stamp build/gen/usb_device.v $(NETLIST_FLOW)
	@mkdir -p $(@D)
	$(PYTHON) -m tests.netlist.synth $* --bench $< --sites $(NETLIST_SITES) --out $@

build/netlist/%/bench: build/netlist/%/netlist.v tests/rtl/%_tb.cpp tests/rtl/tb.h $(wildcard sim/wires/usb_*) $(NETLIST_CELLS) build/lib/libquell.a $(RTL_RUNTIME)
	@cp -p $(RTL_RUNTIME) $(@D)
	@$(VERILATOR) $(NETLIST_FLAGS) --build -j 1 --top-module $* -Mdir $(@D) -o bench -CFLAGS "$(NETLIST_CFLAGS)" -LDFLAGS "-lm -lz" \
	  $(filter sim/cells/%.sv,$(NETLIST_CELLS)) $(addprefix $(CURDIR)/,sim/cells/netlist_fault.cpp $< tests/rtl/$*_tb.cpp build/lib/libquell.a) > $(@D)/log 2>&1 || (cat $(@D)/log; exit 1)
	@touch $@

build/netlist/cells_models/bench: tests/netlist/cells_models_tb.cpp tests/netlist/cells_models.sv $(NETLIST_CELLS) tests/rtl/tb.h $(RTL_RUNTIME)
	@mkdir -p $(@D)
	@cp -p $(RTL_RUNTIME) $(@D)
	@$(VERILATOR) -Wall --default-language 1800-2017 $$(sed -n 's,^// verilator: ,,p' $<) --cc --exe --build -j 1 --top-module cells_models -Mdir $(@D) -o bench \
	  -CFLAGS "$(NETLIST_CFLAGS)" $(CURDIR)/$< > $(@D)/log 2>&1 || (cat $(@D)/log; exit 1)
	@touch $@

# ---- the whole chip: build/bin/quell-netboard is quell-simboard on the netlist ----------------------------------------------------------------

build/netlist/soc/netlist.v: $(SIM_RTL) build/gen/stamp build/gen/usb_device.v build/fw/firmware.hex VERSION $(NETLIST_FLOW)
	@mkdir -p $(@D)
	$(PYTHON) -m tests.netlist.synth soc -GVERSION=$(HW_VERSION) -GBUILD="32'sh$(HW_HASH)" -GFIRMWARE='"build/fw/firmware.hex"' --sites $(NETLIST_SITES) --out $@

build/bin/quell-netboard: build/netlist/soc/netlist.v sim/simboard.cpp $(NETLIST_CELLS)
	@mkdir -p build/bin
	@rm -f $(<D)/*.o $(<D)/*.a
	($(VERILATOR) $(NETLIST_FLAGS) --output-split 20000 --output-split-cfuncs 2000 --top-module soc -Mdir $(<D) -o board \
	  -CFLAGS "-std=c++17 -DNETLIST -DQUELL_VERSION='\"$(VERSION)\"'" $(filter sim/cells/%.sv,$(NETLIST_CELLS)) \
	  $(addprefix $(CURDIR)/,sim/cells/netlist_fault.cpp $< sim/simboard.cpp) && \
	$(MAKE) -j 2 -C $(<D) -f Vsoc.mk CXX=clang++ LINK=clang++ OPT_FAST=-O1 OPT_SLOW=-O0 OPT_GLOBAL=-O1) > $(<D)/log 2>&1 || (tail -40 $(<D)/log; exit 1)
	@mv $(<D)/board $@

netlist-soc: build/bin/quell-netboard build/bin/quell ## one image through the netlist of the whole chip (half an hour), into docs/netlist.json
	$(PYTHON) -m tests.netlist.soc_image

.PRECIOUS: build/netlist/%/netlist.v
.PHONY: netlist netlist-soc netlist-build netlist-proofs netlist-faults $(addprefix netlist-,cells_models $(NETLIST_BENCHES))
