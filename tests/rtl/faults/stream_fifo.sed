# Full one word too late.
s/\{1.b1, \{DEPTH_LOG2\{1.b0\}\}\}/{1'b1, {(DEPTH_LOG2 - 1) {1'b0}}, 1'b1}/
