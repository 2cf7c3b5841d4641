# The residual's other slices are not passed over.
s/cfg_slice_skip_i & \{12\{pixel_end_q\}\}/12'd0/
