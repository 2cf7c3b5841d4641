# The processor is told ready while the channel writes.
# bench: command_channel
s/cpu_write \? !dma_wr_en_i/cpu_write ? 1'b1/
