s/macs_hi_q <= macs_hi_q \+ .*/macs_hi_q <= macs_hi_q;/; s/samples_q, 1.b0\}/1'b0, samples_q}/
