s/else if \(array_take\) behind_q <= post_busy_q;/else if (array_take) behind_q <= 1'b0;/
