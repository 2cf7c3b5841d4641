# the upper digit of the weight counts as positive
s/SIGNED\(1\)/SIGNED(0)/
