# sums start anew at every pair but a pixel's first
# bench: denoiser
s/\(first_pipe_q\[6\] \? 32/(!first_pipe_q[6] ? 32/
