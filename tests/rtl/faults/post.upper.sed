# The upper seven bits of the residual's factor count twice.
s/\{1'b0, cfg_post_b_i\[23:17\]\}/{cfg_post_b_i[23:17], 1'b0}/
