# the top and bottom edges change places
# bench: denoiser
s/\{bottom, top, right, left\}/{top, bottom, right, left}/
