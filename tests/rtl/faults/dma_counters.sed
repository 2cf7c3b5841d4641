# bench: dma
# A cycle in which the chip waits for both reading streams counts for one of them.
s/wait_q     <= wait_i/wait_q     <= wait_i \& {2'b11, !wait_i[1]}/
