# A window that the frame's border clips does not begin there.
# bench: pool
s/border_o <= lead_q == 4'd1/border_o <= 1'b0/
