# A row counts as complete before memory has accepted its last word.
s/else if \(accepted & row_end_q\)/else if (wr_valid_o \& row_end_q)/
