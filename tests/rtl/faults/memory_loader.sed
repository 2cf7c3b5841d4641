# bench: memory_loader
# The half that is over in a job's last stream word begins the next job.
s/half_q <= !half_q && !job_end/half_q <= !half_q/
s/            half_q   <= 1'b0;//
