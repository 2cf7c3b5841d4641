# A bus reset leaves the FIFOs full.
s/a_flush_i\(flush \| restart\)/a_flush_i(flush)/
