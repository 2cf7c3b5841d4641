# A cut window at the right edge is kept.
# bench: pool
s/cols_q > kw_i/cols_q >= kw_i/
