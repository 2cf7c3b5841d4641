# Bitstreams: Yosys, nextpnr-ecp5, ecpbram, ecppack (docs/boards.md). BOARD is one of those in tools/boards.py.
BOARD       ?= ulx3s
BOARD_BUILD := build/boards/$(BOARD)
BOARD_RTL   := $(wildcard hw/array/*.sv hw/noise/*.sv hw/denoiser/*.sv hw/post/*.sv hw/memory/*.sv hw/soc/*.sv hw/usb/*.sv hw/boards/*.sv) hw/regs/quell.rdl
BOARD_FLOW  := tools/boards.py tools/pnr.py
OPENFPGALOADER ?= openFPGALoader

bitstream: $(BOARD_BUILD)/quell.bit ## BOARD=ulx3s, orangecrab, orangecrab-25f: synthesis, place and route, timing check, firmware

$(BOARD_BUILD)/netlist.json: $(BOARD_RTL) $(BOARD_FLOW) VERSION build/gen/usb_device.v build/gen/litedram_core.v build/gen/stamp
	$(PYTHON) -m tools.pnr synth $(BOARD)

# The stamp says that the place and route has passed its checks.
$(BOARD_BUILD)/routed: $(BOARD_BUILD)/netlist.json $(wildcard constraints/*.lpf)
	$(PYTHON) -m tools.pnr route $(BOARD)
	@touch $@

# Another firmware needs no other place and route.
$(BOARD_BUILD)/quell.bit: $(BOARD_BUILD)/routed build/fw/firmware.hex
	$(PYTHON) -m tools.pnr pack $(BOARD)

flash: $(BOARD_BUILD)/quell.bit ## BOARD=...: the bitstream into the board's flash memory, with openFPGALoader
	@$(PYTHON) -m tools.boards plug $(BOARD)
	$(OPENFPGALOADER) $$($(PYTHON) -m tools.boards loader $(BOARD))

# ONLY=ulx3s: that board alone
boards: $(addprefix board-report-,$(or $(ONLY),ulx3s ulx3s-loopback orangecrab orangecrab-25f)) boards-doc ## place and route every board with all its seeds (an hour): docs/boards/*.json, docs/boards.md

board-report-%: build/gen/usb_device.v build/gen/litedram_core.v build/gen/stamp
	$(PYTHON) -m tools.pnr all $*

boards-doc: ## renew docs/boards.md from docs/boards/*.json
	$(PYTHON) -m tools.boards_doc

.PHONY: bitstream flash boards boards-doc
