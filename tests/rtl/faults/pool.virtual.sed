# What lies outside the frame counts as the zero point in a maximum.
s/\{maximum, 8'd0\}/9'd0/
