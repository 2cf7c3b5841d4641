# The columns left of the image are not emptied at the beginning of a pass.
s/<= 144'd0;/<= shift_q[(r*3 + 1)*72 +: 144];/
