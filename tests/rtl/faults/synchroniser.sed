# A word's lowest bit never crosses.
# bench: flushed_fifo
s/meta_q <= async_i;/meta_q <= async_i \& ~WIDTH'(WIDTH > 1);/
