# bench: memory_sdram
# An address with more bits than the memory comes round.
s/outside \? '0 : words_q/words_q/
s/ outside = \|addr_q/ unused = |addr_q/
