# The residual's other slices are passed over a word too early.
s/pixel_left_q == 12'd1/pixel_left_q == 12'd2/
