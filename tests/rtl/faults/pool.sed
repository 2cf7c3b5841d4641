# The maximum of a window forgets its first pixel.
s/if \(at2_q\[1\]\)/if (at2_q[1] \| maximum)/
