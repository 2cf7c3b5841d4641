# the sample's ties go down
# bench: denoiser
s/33'sd64/33'sd63/
