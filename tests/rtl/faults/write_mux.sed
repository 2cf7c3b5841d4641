# bench: memory_sdram
# The loader does not wait for the processor's lane.
s/load_ready_o = !cpu/load_ready_o = 1'b1/
