# bench: dma
# The end of a descriptor wraps at the end of the memory.
s/end_q <= \{2'b00, addr_q\} \+ \{1'b0, words_q\}/end_q <= {2'b00, addr_q + words_q[AW-1:0]}/
