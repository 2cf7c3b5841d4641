# The model of the SDRAM chip (docs/memory.md) and its own bench: every rule of the data sheet broken once.

build/tests/sdram_chip: tests/sdram/test_sdram_chip.cpp $(wildcard sim/sdram/*.cpp sim/sdram/*.h)
	@mkdir -p $(@D)
	$(CXX) -std=c++17 -O1 -Wall -Wextra $(filter %.cpp,$^) -o $@

sdram-chip: build/tests/sdram_chip ## the bench of the SDRAM chip's model
	build/tests/sdram_chip

tests-build: build/tests/sdram_chip

.PHONY: sdram-chip
