# The last product of a row is subtracted.
s/19'\(p1\) \+ 19'\(p2\)/19'(p1) - 19'(p2)/
