# One of the middle products is subtracted.
s/lh_q\}\) \+/lh_q}) -/
