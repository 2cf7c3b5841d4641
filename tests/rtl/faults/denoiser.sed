# samples of the read noise
s/purpose_i\(3.d1\)/purpose_i(3'd0)/
