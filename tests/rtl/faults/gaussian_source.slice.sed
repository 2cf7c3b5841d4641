# The last pair of a pixel counts as one of the next pixel's.
s/run_left_q == 14'd1/run_left_q == 14'd2/
