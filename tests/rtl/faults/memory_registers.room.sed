# bench: memory_sdram
# Room for seven words counts as room.
s/count_q <= 5'd8/count_q <= 5'd9/
