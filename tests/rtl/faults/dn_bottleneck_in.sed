# sums run on into the next pixel
# bench: denoiser
s/first_pipe_q\[6\] \? 32'd0 : //
