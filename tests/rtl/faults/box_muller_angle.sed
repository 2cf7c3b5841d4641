# The angle is rounded down and not to the nearest.
# bench: box_muller
s/\{c_q, 2'd2\}/{c_q, 2'd0}/
