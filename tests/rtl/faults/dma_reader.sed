# bench: dma
# Words are asked for without a place in the FIFO.
s/\(lane_q != 2'd0 \| room_for_one_q\)/(lane_q != 2'd0 | room_for_one_q | out_valid_o)/
