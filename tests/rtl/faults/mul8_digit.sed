# bench: mul8
# the upper digit's sign bit counts as positive
s/SIGNED & digit_i\[3\]/1'b0/
