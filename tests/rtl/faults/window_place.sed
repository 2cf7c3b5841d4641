# A row is taken as ready one row too early.
# bench: window
s/index_q - 12'sd1 : index_q;/index_q - 12'sd2 : index_q - 12'sd1;/
