# The sum's sign bit counts positive.
s/ - \{1'b0, h_high, 2'd0\}/ + {1'b0, h_high, 2'd0}/
