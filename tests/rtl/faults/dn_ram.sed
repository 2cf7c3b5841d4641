# a write in the same cycle steals the read's address
# bench: denoiser
s/read_q <= memory\[rd_addr_i\]/read_q <= memory[wr_en_i ? wr_addr_i : rd_addr_i]/
