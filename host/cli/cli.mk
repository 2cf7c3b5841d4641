# The tool `quell`: build/bin/quell. Included by the top-level Makefile after host/lib/lib.mk.

CLI_OBJECTS := $(patsubst host/cli/%.c,build/cli/%.o,$(wildcard host/cli/*.c))

build/cli/%.o: host/cli/%.c | build/gen/stamp
	@mkdir -p $(@D)
	$(CC) $(LIB_CFLAGS) -O2 -Ihost/cli -MMD -MP -c $< -o $@

build/bin/quell: $(CLI_OBJECTS) build/lib/libquell.a
	@mkdir -p $(@D)
	$(CC) -o $@ $^ $(LDFLAGS) $(LIB_LDLIBS)

cli: build/bin/quell

-include $(wildcard build/cli/*.d)

.PHONY: cli
