# shifts one bit too far
# bench: denoiser
s/s_i - 6.d1/s_i/
