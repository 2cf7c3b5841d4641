# A rotation with one bit lost.
# bench: threefry
s/\{b1_q\[31-R2:0\], b1_q\[31:32-R2\]\}/(b1_q << R2)/
