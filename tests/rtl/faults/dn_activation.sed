# halves with something below them are taken for ties
s/\(sticky \|\| shifted\[1\]\)/(sticky \&\& shifted[1])/
