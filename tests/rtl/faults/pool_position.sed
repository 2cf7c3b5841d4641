# Windows that end outside the frame, below its last row, are left unfinished.
# bench: pool
s/y_frame_last \& y_windows_last/y_frame_last \& (y_windows_last | y_real)/
