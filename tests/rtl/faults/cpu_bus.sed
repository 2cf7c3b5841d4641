s/\|\| act_wr_ready_i\);/|| act_wr_ready_i || act_req_ready_i);/
