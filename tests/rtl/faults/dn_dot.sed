# a node of three inputs subtracts its third
# bench: denoiser
s/ \+ node\[\(FROM \+ 2\)/ - node[(FROM + 2)/
