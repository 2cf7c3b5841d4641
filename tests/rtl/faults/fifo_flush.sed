# Side A goes on as soon as B has agreed, while B is still in hold.
# bench: flushed_fifo
s/else a_hold_q <= agree_at_a;/else a_hold_q <= 1'b0;/
