s/29'd0, samples_q, 1'b0\}/29'd0, 1'b0, samples_q}/
