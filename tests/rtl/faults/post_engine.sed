# Read noise is drawn with the purpose of the denoiser.
s/purpose_i\(3.d0\)/purpose_i(3'd1)/
