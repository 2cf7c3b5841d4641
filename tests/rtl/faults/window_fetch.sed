# The words between two windows are those between two columns.
# bench: window
s/\(window_end \? jump : 16'\(cfg_in_c8_i\)\)/16'(cfg_in_c8_i)/
