# the right edge is found one pixel late
# bench: denoiser
s/(right_o +<= right_o .*) w_i - 10'd2;/\1 w_i - 10'd1;/
