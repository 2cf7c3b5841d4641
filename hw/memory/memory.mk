# The SDRAM controller's Verilog: LiteDRAM, generated and repaired by tools/gen_litedram.py (docs/memory.md).

build/gen/litedram_core.v: tools/gen_litedram.py requirements.txt | build/setup.stamp
	@mkdir -p $(@D)
	$(PYTHON) tools/gen_litedram.py $@

gen tests-build: build/gen/litedram_core.v
