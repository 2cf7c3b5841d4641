# The noise term is truncated instead of rounded.
s/17.h00400/17'h00000/
