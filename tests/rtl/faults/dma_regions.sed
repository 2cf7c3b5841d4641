# bench: dma
# A region can be set again.
s/ & !set_q\[i\]//
