# a node of two inputs forgets its second
# bench: denoiser
s/HAVE == 2/HAVE == 9/
