# The upper seven bits of the residual's factor are forgotten.
s/cfg_post_b_i\[23:17\]/7'd0/
