# The statistics program of the noise generator. Included by the top-level Makefile after host/lib/lib.mk.

STATS_SOURCES := $(wildcard host/stats/*.c)

build/bin/noise_stats: $(STATS_SOURCES) $(wildcard host/stats/*.h) host/lib/box_muller.h host/lib/arith.h build/lib/libquell.a
	@mkdir -p $(@D)
	$(CC) -std=c11 -D_GNU_SOURCE -O3 -Wall -Wextra -Werror -Ihost/lib -Ibuild/gen $(CFLAGS) -o $@ $(STATS_SOURCES) build/lib/libquell.a $(LDFLAGS) $(LIB_LDLIBS)
