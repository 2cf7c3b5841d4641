# done_o comes after every row.
s/\.add_layer_last_i\(add_layer_last\)/.add_layer_last_i(add_layer_last || add_row_last)/
