# A pair stays for the windows of one row of windows only.
# bench: pool
s/pair_end_o = !covered \| \(x_newest \& y_newest\)/pair_end_o = !covered | x_newest/
