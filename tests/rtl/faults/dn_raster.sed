# the left edge is that of the pixel that comes in
# bench: denoiser
s/left_o  <= right_o;/left_o  <= wrap_o;/
