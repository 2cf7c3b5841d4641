# settings are taken when asked for, not when the frame begins
# bench: denoiser_ip
s/if \(begin_frame\)$/if (pending_q)/
