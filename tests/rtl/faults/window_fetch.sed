# The words between two windows are those between two columns.
# bench: window
s/offset_q    <= offset_q \+ jump;/offset_q    <= offset_q + 16'(cfg_in_c8_i);/
