# One pair too many when a frame ends.
s/left_q == 32'd2/left_q == 32'd1/
