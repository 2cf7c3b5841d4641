# The statistics program of the noise generator. Included by the top-level Makefile after host/lib/lib.mk.

build/bin/noise_stats: host/stats/noise_stats.c host/stats/noise_exact.c host/stats/noise_exact.h host/lib/box_muller.h host/lib/arith.h build/lib/libquell.a
	@mkdir -p $(@D)
	$(CC) -std=c11 -D_GNU_SOURCE -O3 -Wall -Wextra -Werror -Ihost/lib -Ibuild/gen $(CFLAGS) -o $@ host/stats/noise_stats.c host/stats/noise_exact.c build/lib/libquell.a $(LDFLAGS) $(LIB_LDLIBS)
