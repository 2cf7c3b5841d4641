# The data of any packet is looked at, whether its token was for this endpoint or came whole, as LUNA's own endpoint does.
s/else if \(state_q == CHECK\) state_q <= \(rx_good_i & fits\) \? ANSWER : IDLE;/else if (state_q == CHECK) state_q <= (rx_good_i \& fits) ? ANSWER : DATA;/
