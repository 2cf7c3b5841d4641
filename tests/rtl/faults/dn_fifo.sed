# room is said once too often
# bench: denoiser
s/reserve_q \+ 1'b1 != full_at/reserve_q != full_at/
