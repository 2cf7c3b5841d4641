# bench: memory_sdram
# The controller runs before anybody has written to it.
s/rst_i \|\| \(ctrl_rst_o && !ctrl_q\)/rst_i/
