# A pair that waits in front of a stopped pipeline is looked up over the one before.
s/if \(fire\) begin/if (in_valid_i) begin/
