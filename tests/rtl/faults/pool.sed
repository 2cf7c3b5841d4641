# The maximum of a window forgets its first pixel.
s/if \(first_q\[2\]\)/if (first_q[2] \| maximum)/
