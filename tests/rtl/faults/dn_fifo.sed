# there is always room
# bench: denoiser
s/assign room_o  = .*/assign room_o  = 1'b1;/
