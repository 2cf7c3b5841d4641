# The exponent's last bit forgets the one in the second place.
# bench: box_muller
s/b_q\[20\] \| \(!b_q\[19\] & b_q\[18\]\)/b_q[20] | b_q[18]/
