# bench: memory_loader
# Index and words are added in 16 bits.
s/18'\(job_index_i\) \+ 18'\(job_words_i\) <= 18'\(limit\)/17'(16'(job_index_i + job_words_i[15:0])) <= limit/
