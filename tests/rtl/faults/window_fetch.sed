# From window to window it is a word too far.
# bench: window
s/offset_q    <= offset_q \+ jump;/offset_q    <= offset_q + jump + 16'd1;/
