# Constants wrap one word late.
# bench: const_memory
s/left_q <= \(left_q == 14.d0\) \? last_i/left_q <= (left_q == 14'd0) ? last_i + 14'd1/
