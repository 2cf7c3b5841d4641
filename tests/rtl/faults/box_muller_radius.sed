# The square term loses its sign.
# bench: box_muller
s/\{\{4\{p_shifted\[13\]\}\}, p_shifted\}/{4'd0, p_shifted}/
