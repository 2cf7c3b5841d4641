# the top edge is not padded
# bench: denoiser
s/KY == 0 && edge_q\[2\]/KY == 0 \&\& edge_q[3]/
