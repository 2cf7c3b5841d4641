# the right edge is not padded
# bench: denoiser
s/KX == 2 && edge2_q\[1\]/KX == 2 \&\& edge2_q[0]/
