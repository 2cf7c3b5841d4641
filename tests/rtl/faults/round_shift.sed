# Ties go to odd instead of even.
# bench: post
s/(d_sticky_q \| d_q\[1\])/(d_sticky_q | !d_q[1])/
