# the right edge is found one pixel late
# bench: denoiser
s/assign right_o  = .*/assign right_o  = out_x_q == w_i;/
