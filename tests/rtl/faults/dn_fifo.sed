# there is always room
# bench: denoiser
s/room_o  <= pop_i .*/room_o  <= 1'b1;/
