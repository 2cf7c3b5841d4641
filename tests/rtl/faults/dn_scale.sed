# the upper part's sign bit counts positive
# bench: denoiser
s/ - \(bits\[2\]/ + (bits[2]/
