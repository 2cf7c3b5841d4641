# The third chunk of a wide word is stored one lane early.
# bench: array_engine_16
s/c\*9 \+ 8\)/c*9 + (c == 2 ? 7 : 8))/
