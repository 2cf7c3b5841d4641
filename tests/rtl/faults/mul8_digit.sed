# bench: mul8
# bit 2 of a digit counts twice
s/\{a\[10:0\], 2'd0\}/{a[9:0], 3'd0}/
