# The upper limit of the ADC is not kept.
s/high \? d_hi_i : //
