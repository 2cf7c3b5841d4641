# Full as if the pointers were binary: only the top bits differ.
s/2'b11, \{PW - 2\{1'b0\}\}/1'b1, {PW - 1{1'b0}}/
