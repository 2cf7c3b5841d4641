# One pair too many when a frame ends.
s/left_q == 32'd1\)/left_q == 32'd0)/
