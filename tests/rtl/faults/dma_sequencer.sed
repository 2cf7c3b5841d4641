# bench: dma
# A descriptor may go one word beyond its region.
s/end_q <= \{1'b0, limit_i\}/end_q <= {1'b0, limit_i} + 1'b1/
