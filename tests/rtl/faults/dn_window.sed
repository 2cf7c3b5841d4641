# the left and right edges change places
# bench: denoiser
s/\{bottom, top, right, left\}/{bottom, top, left, right}/
