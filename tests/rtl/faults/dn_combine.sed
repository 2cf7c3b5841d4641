# the channels' Cv change places
# bench: denoiser
s/cv\[c\*32 \+: 24\]/cv[(1-c)*32 +: 24]/
