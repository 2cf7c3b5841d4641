# The number of the last key injection.
s/(key0_5_q <= key0_i \+ 32'd)5/\14/
