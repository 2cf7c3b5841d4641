# A packet that was sent without an answer outlives a flush.
s/if \(hold_i\) length_q/if (hold_i \& !unsure_q) length_q/
