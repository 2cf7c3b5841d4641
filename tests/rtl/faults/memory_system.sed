# bench: memory_sdram
# The loader's words come from the processor's stream.
s/in_data_i   \(rd0_data\)/in_data_i   (rd1_data)/
s/rd_data_i            \(rd1_data\)/rd_data_i            (rd0_data)/
