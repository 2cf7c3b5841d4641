# neighbouring lanes change places
# bench: denoiser
s/wr_lane_i == 6.\(FIRST \+ l\)/wr_lane_i == 6'(FIRST + (l ^ 1))/
