# The last product of a row is subtracted.
s/\{p01\[17\], p01\} \+/{p01[17], p01} -/
