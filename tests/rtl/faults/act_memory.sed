s/wr_addr_q <= store_valid_i \? store_addr_i\[AW-1:0\]/wr_addr_q <= cpu_wr_valid_i ? cpu_wr_addr_i[AW-1:0]/
