s/tx_addr_q\[1:0\] == 2.d3 \|\| tx_count_q == 16.d1\) begin/tx_addr_q[1:0] == 2'd3) begin/
