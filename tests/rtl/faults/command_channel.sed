s/== 2'd3 \|\| tx_count_q == 16'd1/== 2'd3 || tx_count_q == 16'd2/
