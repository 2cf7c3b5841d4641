# A digit of 3 counts as 2.
# bench: window
s/digit_i\[0\] \? by_i/digit_i == 2'd1 ? by_i/
