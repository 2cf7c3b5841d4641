# A pixel ends a word early where it has more than two.
s/left_q == 12.d1;/left_q == 12'd2;/
