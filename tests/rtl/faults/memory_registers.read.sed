# bench: memory_sdram
# The next word is taken while one lies here.
s/assign rd_ready_o = !read_valid_q/assign rd_ready_o = 1'b1/
