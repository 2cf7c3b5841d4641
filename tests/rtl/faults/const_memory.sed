# The cycle is one word too long.
s/ - 14.d1;/;/
