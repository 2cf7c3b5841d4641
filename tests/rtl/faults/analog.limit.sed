# The lower limit is taken for positive.
s/\$signed\(d_lo_i\)/d_lo_i/
