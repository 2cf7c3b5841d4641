# the digit 111 counts as negative and 101, 110 do not
s/w\[2\] & ~\(w\[1\] & w\[0\]\)/w[2] \& ~(w[1] ^ w[0])/
