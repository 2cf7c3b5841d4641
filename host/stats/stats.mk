# The statistics program of the noise generator. Included by the top-level Makefile.

build/bin/noise_stats: host/stats/noise_stats.c host/lib/box_muller.c host/lib/threefry.c host/lib/threefry_rounds.h host/lib/arith.h build/gen/stamp
	@mkdir -p $(@D)
	$(CC) -std=c11 -D_GNU_SOURCE -O3 -Wall -Wextra -Werror -Ihost/lib -Ibuild/gen $(CFLAGS) -o $@ $< host/lib/threefry.c $(LDFLAGS) -lm -pthread
