# One step too few.
# bench: command_channel
s/i < 8; i\+\+/i < 7; i++/
