# The halves of the residual word are swapped.
s/word\[16\*pair_q\+:16\]/word[16*{!pair_q[1], pair_q[0]}+:16]/
