# Rounded to nearest, half to even, instead of to odd: the ADC would round a second time.
s/\.ODD  \(1\)/.ODD  (0)/
