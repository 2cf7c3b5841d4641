# bench: mul8
# the upper digit takes its sign from the bit below
s/SIGNED & digit_i\[3\]/SIGNED \& digit_i[2]/
