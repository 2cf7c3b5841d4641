# A descriptor of reading stream 1 counts as done with each of its words.
s/rd1_valid_o & rd1_ready_i & rd1_last_o/rd1_valid_o \& rd1_ready_i/
