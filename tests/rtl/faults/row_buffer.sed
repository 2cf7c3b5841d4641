# A bank counts as free while its last pairs are still in its word register.
# bench: array_engine
s/assign free_o = !claimed_q\[1\];/assign free_o = !claimed_q[1] || (read \&\& row_end);/
