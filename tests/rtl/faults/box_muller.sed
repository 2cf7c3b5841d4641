# The last rounding cuts off.
s/\+ 17'd1;/+ 17'd0;/
