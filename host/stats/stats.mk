# The statistics program of the noise generator (noise_exact.c brings box_muller.c with it). Included by the top-level Makefile.

build/bin/noise_stats: host/stats/noise_stats.c host/stats/noise_exact.c host/stats/noise_exact.h host/lib/box_muller.c host/lib/threefry.c host/lib/threefry_rounds.h host/lib/arith.h build/gen/stamp
	@mkdir -p $(@D)
	$(CC) -std=c11 -D_GNU_SOURCE -O3 -Wall -Wextra -Werror -Ihost/lib -Ibuild/gen $(CFLAGS) -o $@ host/stats/noise_stats.c host/stats/noise_exact.c host/lib/threefry.c $(LDFLAGS) -lm -pthread
