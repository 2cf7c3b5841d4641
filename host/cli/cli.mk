# The tool `quell`: build/bin/quell. Included by the top-level Makefile after host/lib/lib.mk.

CLI_OBJECTS := $(patsubst host/cli/%.c,build/cli/%.o,$(wildcard host/cli/*.c))

build/cli/%.o: host/cli/%.c | build/gen/stamp
	@mkdir -p $(@D)
	$(CC) $(LIB_CFLAGS) -O2 -Ihost/cli -MMD -MP -c $< -o $@

build/bin/quell: $(CLI_OBJECTS) build/lib/libquell.a
	@mkdir -p $(@D)
	$(CC) -o $@ $^ $(LDFLAGS) $(LIB_LDLIBS)

cli: build/bin/quell

# The tool under sanitizers, with boards behind local sockets instead of libusb's: tests/host/test_usb.py.
CLI_ASAN := $(CLI_OBJECTS:build/cli/%=build/tests/asan/cli/%)

build/tests/asan/cli/%.o: host/cli/%.c | build/gen/stamp
	@mkdir -p $(@D)
	$(CC) $(LIB_CFLAGS) $(LIB_SANITIZE) -Ihost/cli -MMD -MP -c $< -o $@

build/tests/asan/quell-usb: $(CLI_ASAN) build/tests/asan/obj/fake_libusb.o build/asan/libquell.a
	$(CC) $(LIB_SANITIZE) -o $@ $^ $(LDFLAGS) $(LIB_LIBS) -pthread

host-tests: build/tests/asan/quell-usb

-include $(wildcard build/cli/*.d build/tests/asan/cli/*.d)

.PHONY: cli
