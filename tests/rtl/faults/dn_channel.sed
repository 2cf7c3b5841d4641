# sigma wraps between 65536 and 131071
# bench: denoiser
s/\|term_v_q\[PV-2:17\]/|term_v_q[PV-2:18]/
