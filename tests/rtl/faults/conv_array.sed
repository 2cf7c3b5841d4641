# The wait before a pass that comes back to an accumulator soon is a cycle short.
# bench: array_engine
s/2'd1 : 2'd2;$/2'd1 : 2'd1;/
