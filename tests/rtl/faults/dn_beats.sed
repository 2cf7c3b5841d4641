# a row too few
# bench: denoiser
s/y_q == 0;/y_q == 10'd1;/
